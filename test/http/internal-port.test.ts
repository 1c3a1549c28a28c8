import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { expectCoded } from './expect-coded.ts'
import { readPaths, UNKNOWN_PATH } from './openapi-document.ts'
import { operationsOf } from './provoke-answers.ts'
import { request } from './request.ts'

const KEY = 'a-key-of-the-internal-port'
const AUTH = { Authorization: `Bearer ${KEY}` }
const INTERNAL = { PIAZZA_INTERNAL_PORT: '0' }
const SETTINGS = { ...INTERNAL, PIAZZA_PUBLISH_KEYS: KEY }

/** What the public port keeps (protocol §8). */
const PUBLIC = new Set([
  'get /channels/{name}',
  'head /channels/{name}',
  'options /channels/{name}',
  'get /livez',
  'head /livez',
  'options /livez',
])

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

const ask = (port: number, method: string, path: string, headers: Record<string, string> = AUTH) =>
  request(port, method, path, { headers })

/** Every path of the contract with every method, as the internal port tells them. */
async function allRequests(hub: TestHub) {
  const json = await hub.get('/openapi.json')
  expect(json.status).toBe(200)
  const paths = await readPaths(hub)
  const known = new Set(operationsOf(paths).map(({ method, path }) => `${method} ${path}`))
  const all = Object.keys(paths)
    .filter((path) => path !== UNKNOWN_PATH)
    .flatMap((path) => METHODS.map((method) => ({ method, path })))
  expect(known.size).toBeGreaterThan(25)
  return all.map(({ method, path }) => {
    const operation = `${method.toLowerCase()} ${path}`
    return { method, url: path.replace('{name}', 'a'), operation, isKnown: known.has(operation) }
  })
}

describe('with an internal port', () => {
  test('the public one has subscribe and /livez, and nothing else of the contract', async () => {
    const hub = await startHub(SETTINGS)
    let served = 0
    for (const { method, url, operation } of await allRequests(hub)) {
      const { status, text } = await ask(hub.port, method, url)
      if (PUBLIC.has(operation)) {
        served += 1
        expect.soft([200, 204], operation).toContain(status)
      } else {
        expect.soft([404, 405], operation).toContain(status)
        if (method !== 'HEAD') expect.soft(text, operation).toMatch(/NOT_FOUND|METHOD_NOT_ALLOWED/)
      }
    }
    expect(served).toBe(PUBLIC.size)
    const { json } = await hub.get('/channels', { authorization: AUTH.Authorization })
    expect(json.channels.filter(({ messages }: { messages: number }) => messages > 0)).toEqual([])
  })

  test('that one has everything', async () => {
    const hub = await startHub(SETTINGS)
    for (const { method, url, operation, isKnown } of await allRequests(hub)) {
      const { status } = await ask(hub.internalPort, method, url)
      if (isKnown) expect.soft([200, 201, 204, 400, 415], operation).toContain(status)
      else expect.soft(status, operation).toBe(405)
    }
  })

  test('the methods of a channel on the public one are told', async () => {
    const hub = await startHub(SETTINGS)
    for (const method of ['POST', 'DELETE']) {
      const refused = await ask(hub.port, method, '/channels/a')
      expect(expectCoded(refused, 405).code).toBe('PIAZZA_ERR_METHOD_NOT_ALLOWED')
      expect(refused.headers['allow']).toBe('GET, HEAD, OPTIONS')
    }
    expect(expectCoded(await ask(hub.port, 'POST', '/publish'), 404).code).toBe(
      'PIAZZA_ERR_NOT_FOUND',
    )
    expect(expectCoded(await ask(hub.port, 'GET', '/metrics'), 404).code).toBe(
      'PIAZZA_ERR_NOT_FOUND',
    )
  })

  test('what is published there comes to streams of both', async () => {
    const hub = await startHub(SETTINGS)
    const streams = [
      await openStream(hub.port, '/channels/a', { headers: AUTH }),
      await openStream(hub.internalPort, '/channels/a', { headers: AUTH }),
    ]
    await Promise.all(streams.map((stream) => stream.waitForEvents(1)))
    const { status } = await hub.publish(
      { channel: 'a', data: 'from inside' },
      { authorization: AUTH.Authorization },
    )
    expect(status).toBe(201)
    await Promise.all(streams.map((stream) => stream.waitForMessages(1)))
    expect(await hub.metric('piazza_streams')).toBe(2)
  })

  test('/metrics is open there, and asks for a token where it is the only one', async () => {
    const split = await startHub(SETTINGS)
    expect((await ask(split.internalPort, 'GET', '/metrics', {})).status).toBe(200)
    expect((await ask(split.internalPort, 'GET', '/channels', {})).status).toBe(401)
    const whole = await startHub({ PIAZZA_PUBLISH_KEYS: KEY })
    expect((await ask(whole.port, 'GET', '/metrics', {})).status).toBe(401)
  })

  test('the public one lets pages of listed origins subscribe', async () => {
    const origin = 'https://app.example'
    const hub = await startHub({ ...SETTINGS, PIAZZA_CORS_ORIGINS: origin })
    const preflight = await ask(hub.port, 'OPTIONS', '/channels/a', {
      Origin: origin,
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'last-event-id',
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers['access-control-allow-origin']).toBe(origin)
    expect(preflight.headers['access-control-allow-headers']).toContain('Last-Event-ID')
  })

  test('in open mode both answer to local names only', async () => {
    const hub = await startHub(INTERNAL)
    for (const port of [hub.port, hub.internalPort]) {
      const forbidden = await ask(port, 'GET', '/livez', { Host: 'evil.example' })
      expect(expectCoded(forbidden, 403).code).toBe('PIAZZA_ERR_HOST_FORBIDDEN')
      expect((await ask(port, 'GET', '/livez', {})).status).toBe(200)
    }
  })
})
