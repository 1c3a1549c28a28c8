import { Validator } from '@seriousme/openapi-schema-validator'
import Schema from 'typebox/schema'
import { describe, expect, test } from 'vitest'
import { errors } from '../../src/errors.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { request } from './request.ts'

interface Operation {
  readonly summary?: string
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly security?: readonly object[]
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly headers?: Readonly<Record<string, object>>
        readonly content?: Readonly<Record<string, { readonly schema: object }>>
      }
    >
  >
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

async function readPaths(hub: TestHub): Promise<Paths> {
  return (await hub.get('/openapi.json')).json.paths
}

/** The addresses of all routes, from Fastify's own tree of them. */
function routesOf(hub: TestHub): string[] {
  const above: string[] = []
  return hub.app.http
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .filter((line) => line.includes('── '))
    .map((line) => {
      const depth = line.indexOf('── ') / 4
      above[Math.floor(depth)] = line.slice(line.indexOf('── ') + 3).split(' (')[0]!
      return above.slice(0, Math.floor(depth) + 1).join('')
    })
    .map((path) => path.replace('//', '/').replace(/:(\w+)/g, '{$1}'))
}

function parametersOf(operation: Operation | undefined, place: string): string[] {
  return (operation?.parameters ?? []).filter((one) => one.in === place).map(({ name }) => name)
}

test('the document is valid OpenAPI 3.1', async () => {
  const hub = await startHub()
  const { status, headers, json } = await hub.get('/openapi.json')
  expect(status).toBe(200)
  expect(headers.get('content-type')).toMatch(/^application\/json\b/)
  expect(json.openapi).toBe('3.1.0')
  expect(await new Validator().validate(json)).toEqual({ valid: true })
})

test('every route is in it, and nothing else', async () => {
  const hub = await startHub()
  const paths = await readPaths(hub)
  expect(routesOf(hub).sort()).toEqual(Object.keys(paths).sort())
})

test('every method is in it that Allow names, and nothing else', async () => {
  const hub = await startHub()
  for (const [path, operations] of Object.entries(await readPaths(hub))) {
    const { headers } = await request(hub.port, 'OPTIONS', path.replace(/\{\w+\}/, 'a'))
    const described = Object.keys(operations).map((method) => method.toUpperCase())
    const isRead = described.includes('GET')
    const expected = [...described, 'OPTIONS', ...(isRead ? ['HEAD'] : [])]
    const allowed = headers['allow']?.split(', ') ?? []
    expect(allowed.sort(), path).toEqual([...new Set(expected)].sort())
  }
})

test('every code of an error is in it, where it can come', async () => {
  const hub = await startHub()
  const text = JSON.stringify((await hub.get('/openapi.json')).json)
  for (const Coded of Object.values(errors)) {
    const { code } = new Coded('')
    expect.soft(text.includes(code), code).toBe(true)
  }
})

test('every parameter and header of the protocol is in it', async () => {
  const paths = await readPaths(await startHub())
  const stream = paths['/channels/{name}']!
  expect(parametersOf(stream['get'], 'query').sort()).toEqual(
    'control,envelope,events,lastEventId,last,last_event_id,padding,ping,since'.split(',').sort(),
  )
  expect(parametersOf(stream['get'], 'header')).toContain('Last-Event-ID')
  expect(Object.keys(stream['get']!.responses['200']!.headers!)).toEqual(
    expect.arrayContaining(['Piazza-Refused', 'Retry-After', 'X-Accel-Buffering', 'Cache-Control']),
  )
  expect(parametersOf(stream['post'], 'query')).toEqual(['event', 'retry', 'ephemeral', 'end'])
  for (const operation of [stream['post'], paths['/publish']!['post']]) {
    expect(parametersOf(operation, 'header')).toEqual(['Idempotency-Key'])
  }
  expect(parametersOf(paths['/channels']!['get'], 'query')).toEqual(['match', 'limit', 'after'])
  const history = paths['/channels/{name}/history']!['get']
  expect(parametersOf(history, 'query')).toEqual(['after', 'since', 'limit'])
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { summary, security, responses }] of Object.entries(operations)) {
      const what = `${method} ${path}`
      expect.soft(summary, what).toBeTypeOf('string')
      expect.soft(security, what).not.toHaveLength(0)
      expect.soft(Object.keys(responses['405']!.headers!), what).toContain('Allow')
      const { headers } = responses['401'] ?? {}
      if (headers) expect.soft(Object.keys(headers), what).toContain('WWW-Authenticate')
    }
  }
})

describe('an answer is what the document says', () => {
  const json = { 'content-type': 'application/json' }
  test.each<[string, string, string, (string | undefined)?, Record<string, string>?]>([
    ['post', '/publish', '/publish', '{"channel":"a","data":1}', json],
    ['post', '/publish', '/publish', '[{"channel":"a","data":1},{"channel":"e","data":1}]', json],
    ['post', '/publish', '/publish', '[{"channel":"a","data":1,"ephemeral":true}]', json],
    ['post', '/publish', '/publish', '{"channel":"a","data":1,"ephemeral":true}', json],
    ['post', '/publish', '/publish', '{"channel":"a b","data":1}', json],
    ['post', '/publish', '/publish', '{}'],
    ['post', '/channels/{name}', '/channels/a', 'x', { 'idempotency-key': 'k' }],
    ['post', '/channels/{name}', '/channels/e', 'x'],
    ['post', '/channels/{name}', '/channels/a?retry=1', 'x'],
    ['get', '/channels/{name}', '/channels/a,*'],
    ['get', '/channels/{name}', '/channels/a', undefined, { accept: 'image/png' }],
    ['get', '/channels/{name}', '/channels/e'],
    ['delete', '/channels/{name}', '/channels/d'],
    ['get', '/channels', '/channels?limit=1'],
    ['get', '/channels', '/channels?limit=0'],
    ['get', '/channels/{name}/history', '/channels/a/history?limit=1'],
    ['get', '/channels/{name}/history', '/channels/none/history'],
    ['get', '/channels/{name}/stats', '/channels/a/stats'],
    ['get', '/channels/{name}/stats', '/channels/..../stats'],
    ['get', '/livez', '/livez'],
    ['get', '/readyz', '/readyz'],
    ['get', '/', '/'],
    ['get', '/metrics', '/metrics'],
    ['put', '/livez', '/livez'],
  ])('%s %s: %s %s', async (method, path, url, body, headers = {}) => {
    const hub = await startHub()
    await hub.send('a', 'before', { idempotencyKey: 'k0' })
    await hub.send('a', 'x', { idempotencyKey: 'k' })
    await hub.send('e', 'over', { end: true })
    const answer = await request(hub.port, method.toUpperCase(), url, {
      headers,
      ...(body === undefined ? {} : { body }),
    })
    const operations = (await readPaths(hub))[path]!
    const { responses } = operations[method] ?? operations['get']!
    const described = responses[String(answer.status)]
    expect(described, `${answer.status} ${answer.text}`).toBeDefined()
    for (const name of Object.keys(described!.headers ?? {})) {
      const isOptional = name === 'Retry-After' || name === 'Piazza-Refused'
      if (!isOptional) expect.soft(answer.headers[name.toLowerCase()], name).toBeTypeOf('string')
    }
    const { schema } = described!.content?.['application/json'] ?? {}
    if (schema === undefined) return
    expect(Schema.Check(schema, answer.json), answer.text).toBe(true)
  })
})
