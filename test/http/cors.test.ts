import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { expectCoded } from './expect-coded.ts'
import { request, type WireAnswer, type WireRequest } from './request.ts'

const KEY = 'correct-horse-battery-staple'
const PAGE = 'https://app.example'
const LISTED = { PIAZZA_CORS_ORIGINS: `${PAGE},http://localhost:5173` }
const ANY = { PIAZZA_CORS_ORIGINS: '*' }
const KEYS = { PIAZZA_PUBLISH_KEYS: KEY }

const listOf = (value: string | undefined) => (value ?? '').toLowerCase().split(/, */)

function ask(hub: TestHub, method: string, path: string, options: WireRequest = {}) {
  const headers = { Origin: PAGE, ...options.headers }
  return request(hub.port, method, path, { ...options, headers })
}

function preflight(hub: TestHub, path: string, method: string, headers = '', origin = PAGE) {
  return request(hub.port, 'OPTIONS', path, {
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': headers,
    },
  })
}

/** One answer of every kind that a page may meet, with the status it must have. */
async function collectAnswers(hub: TestHub): Promise<[string, number, WireAnswer][]> {
  const auth = { Authorization: `Bearer ${KEY}` }
  const json = { ...auth, 'Content-Type': 'application/json' }
  const body = '{"channel":"over","data":"bye","end":true}'
  const post = (options: WireRequest) => ask(hub, 'POST', '/publish', options)
  return [
    ['end', 201, await post({ headers: json, body })],
    ['publish', 201, await ask(hub, 'POST', '/channels/a', { headers: auth, body: 'x' })],
    ['ended', 409, await post({ headers: json, body })],
    ['broken', 400, await post({ headers: json, body: '{' })],
    ['type', 415, await post({ headers: { ...auth, 'Content-Type': 'text/plain' }, body })],
    ['big', 413, await post({ headers: { ...json, 'Content-Length': '1000000000' } })],
    [
      'no token to publish',
      401,
      await post({ headers: { 'Content-Type': 'application/json' }, body }),
    ],
    ['delete', 204, await ask(hub, 'DELETE', '/channels/gone', { headers: auth })],
    ['stream', 200, await ask(hub, 'GET', '/channels/a', { headers: auth })],
    ['stream of a key', 200, await ask(hub, 'GET', `/channels/a?token=${KEY}`)],
    ['head', 200, await ask(hub, 'HEAD', '/channels/a', { headers: auth })],
    ['ended stream', 204, await ask(hub, 'GET', '/channels/over', { headers: auth })],
    ['bad name', 400, await ask(hub, 'GET', '/channels/a..b', { headers: auth })],
    ['bad escape', 400, await ask(hub, 'GET', '/channels/%zz', { headers: auth })],
    ['long name', 400, await ask(hub, 'GET', `/channels/${'n'.repeat(30_000)}`, { headers: auth })],
    ['bad since', 400, await ask(hub, 'GET', '/channels/a?since=x', { headers: auth })],
    ['no token', 401, await ask(hub, 'GET', '/channels/a')],
    ['wrong token', 401, await ask(hub, 'GET', '/channels/a?token=wrong')],
    [
      'not acceptable',
      406,
      await ask(hub, 'GET', '/channels/a', { headers: { ...auth, Accept: 'application/json' } }),
    ],
    ['no route', 404, await ask(hub, 'GET', '/nope', { headers: auth })],
    ['no method', 405, await ask(hub, 'PUT', '/channels/a', { headers: auth })],
    ['health', 200, await ask(hub, 'GET', '/livez')],
  ]
}

describe('a preflight', () => {
  test('allows what clients send, without a token, and may be kept', async () => {
    const hub = await startHub({ ...LISTED, ...KEYS })
    const wanted = ['last-event-id', 'authorization', 'content-type', 'idempotency-key']
    for (const [path, method] of [
      ['/channels/a', 'GET'],
      ['/channels/a', 'POST'],
      ['/channels/a', 'DELETE'],
      ['/channels/a,b?since=all', 'GET'],
      ['/publish', 'POST'],
    ] as const) {
      const what = `${method} ${path}`
      const answer = await preflight(hub, path, method, wanted.join(','))
      const { headers } = answer
      expect.soft([200, 204], `${what}: ${answer.text}`).toContain(answer.status)
      expect.soft(headers['access-control-allow-origin'], what).toBe(PAGE)
      expect.soft(headers['access-control-allow-credentials'], what).toBe('true')
      expect.soft(listOf(headers['vary']), what).toContain('origin')
      expect
        .soft(listOf(headers['access-control-allow-headers']), what)
        .toEqual(expect.arrayContaining([...wanted, 'cache-control']))
      const methods = listOf(headers['access-control-allow-methods'])
      if (method === 'DELETE') expect.soft(methods, what).toContain('delete')
      expect.soft(Number(headers['access-control-max-age']), what).toBeGreaterThan(0)
    }
  })

  test('of any origin, when all are allowed, gets a star and no credentials', async () => {
    const hub = await startHub({ ...ANY, ...KEYS })
    const { status, headers } = await preflight(hub, '/channels/a', 'GET', 'last-event-id', 'null')
    expect([200, 204]).toContain(status)
    expect(headers['access-control-allow-origin']).toBe('*')
    expect(headers['access-control-allow-credentials']).toBeUndefined()
    expect(listOf(headers['access-control-allow-headers'])).toContain('authorization')
  })

  test('of another origin allows nothing', async () => {
    const hub = await startHub({ ...LISTED, ...KEYS })
    for (const origin of ['https://evil.example', 'null', 'https://app.example.evil.example']) {
      const answer = await preflight(hub, '/channels/a', 'GET', 'authorization', origin)
      expect.soft(answer.status, origin).toBeLessThan(500)
      expect.soft(answer.headers['access-control-allow-origin'], origin).toBeUndefined()
    }
  })

  test('in the open mode allows nothing by itself', async () => {
    const hub = await startHub()
    const answer = await preflight(hub, '/publish', 'POST', 'content-type')
    expect(answer.status).toBeLessThan(500)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  })
})

test('an address that is none is 404 to a preflight as to every other request', async () => {
  const hub = await startHub({ ...LISTED, ...KEYS })
  for (const origin of [PAGE, 'https://evil.example']) {
    const answer = await preflight(hub, '/nope', 'GET', 'authorization', origin)
    expectCoded(answer, 404, origin)
  }
  expectCoded(await request(hub.port, 'OPTIONS', '/nope'), 404)
})

test('a body of an OPTIONS means nothing', async () => {
  const hub = await startHub({ ...LISTED, ...KEYS })
  for (const type of ['text/plain', 'application/json', 'nonsense']) {
    const headers = { 'Content-Type': type }
    const answer = await request(hub.port, 'OPTIONS', '/channels/a', { headers, body: '{' })
    expect.soft(answer.status, type).toBe(204)
    expect.soft(answer.headers['allow'], type).toBe('GET, HEAD, POST, DELETE, OPTIONS')
  }
})

describe('a page of a listed origin may read', () => {
  test('every answer, also a refusal, with credentials', async () => {
    const hub = await startHub({ ...LISTED, ...KEYS })
    for (const [what, status, { status: actual, headers, text }] of await collectAnswers(hub)) {
      expect.soft(actual, `${what}: ${text}`).toBe(status)
      expect.soft(headers['access-control-allow-origin'], what).toBe(PAGE)
      expect.soft(headers['access-control-allow-credentials'], what).toBe('true')
      expect.soft(listOf(headers['vary']), what).toContain('origin')
      const exposed = listOf(headers['access-control-expose-headers'])
      expect.soft(exposed, what).toEqual(expect.arrayContaining(['retry-after', 'piazza-refused']))
    }
  })

  test('the refusal of a list of names that is too long', async () => {
    const hub = await startHub({ ...LISTED, ...KEYS })
    const answer = await ask(hub, 'GET', `/channels/${'n'.repeat(50_000)}`)
    expectCoded(answer, [400, 401, 414])
    expect.soft(answer.headers['access-control-allow-origin']).toBe(PAGE)
    expect.soft(listOf(answer.headers['cache-control'])).toContain('no-store')
  })

  test('each of the list, compared as a whole', async () => {
    const hub = await startHub(LISTED)
    for (const origin of [PAGE, 'http://localhost:5173']) {
      const { headers } = await ask(hub, 'GET', '/channels/a', { headers: { Origin: origin } })
      expect(headers['access-control-allow-origin']).toBe(origin)
    }
  })

  test('a transient refusal of a stream', async () => {
    for (const [overload, status] of [
      ['200', 200],
      ['503', 503],
    ] as const) {
      const hub = await startHub({
        ...LISTED,
        PIAZZA_MAX_STREAMS: '1',
        PIAZZA_OVERLOAD_STATUS: overload,
      })
      await openStream(hub.port, '/channels/a')
      const { headers, status: actual } = await ask(hub, 'GET', '/channels/a')
      expect(actual).toBe(status)
      expect(headers['access-control-allow-origin']).toBe(PAGE)
      expect(headers['cache-control']).toMatch(/no-store/)
      expect(headers['piazza-refused']).toBe('max-streams')
      expect(headers['retry-after']).toMatch(/^\d+$/)
    }
  })
})

describe('a page of any origin, when all are allowed, may read', () => {
  test('every answer, without credentials', async () => {
    const hub = await startHub({ ...ANY, ...KEYS })
    for (const [what, status, { status: actual, headers, text }] of await collectAnswers(hub)) {
      expect.soft(actual, `${what}: ${text}`).toBe(status)
      expect.soft(headers['access-control-allow-origin'], what).toBe('*')
      expect.soft(headers['access-control-allow-credentials'], what).toBeUndefined()
      const exposed = listOf(headers['access-control-expose-headers'])
      expect.soft(exposed, what).toEqual(expect.arrayContaining(['retry-after', 'piazza-refused']))
    }
  })
})

test('allowing all origins allows none to write: that takes an origin listed by name', async () => {
  const open = [{}, { ...KEYS, PIAZZA_ANONYMOUS: 'publish,subscribe' }]
  for (const settings of open) {
    const hub = await startHub({ ...settings, PIAZZA_CORS_ORIGINS: `*,${PAGE}` })
    for (const method of ['POST', 'DELETE']) {
      const body = method === 'POST' ? { body: 'x' } : {}
      for (const origin of ['https://evil.example', 'null']) {
        const headers = { Origin: origin }
        expectCoded(await ask(hub, method, '/channels/a', { headers, ...body }), 403, origin)
      }
      const { status } = await ask(hub, method, '/channels/a', body)
      expect([201, 204], method).toContain(status)
    }
  }
})

describe('a page of another origin may read nothing', () => {
  test.each([
    ['with a list', LISTED],
    ['without one', {}],
  ])('%s', async (_, settings) => {
    const hub = await startHub(settings)
    for (const origin of [
      'https://evil.example',
      'null',
      'https://APP.example.',
      'nonsense',
      '*',
    ]) {
      for (const path of ['/channels/a', '/channels/a..b', '/nope', '/livez']) {
        const { headers } = await ask(hub, 'GET', path, { headers: { Origin: origin } })
        expect(headers['access-control-allow-origin'], `${path} ${origin}`).toBeUndefined()
      }
    }
  })

  test('and gets no CORS header at all', async () => {
    const hub = await startHub(LISTED)
    for (const path of ['/channels/a', '/channels/a..b', '/nope', '/livez']) {
      const { headers } = await ask(hub, 'GET', path, {
        headers: { Origin: 'https://evil.example' },
      })
      const named = Object.keys(headers).filter((name) => name.startsWith('access-control-'))
      expect(named, path).toEqual([])
    }
  })

  test('and a cache that keeps an answer knows that it depends on the origin', async () => {
    const hub = await startHub(LISTED)
    for (const origin of ['https://evil.example', null]) {
      for (const path of ['/channels/a', '/nope']) {
        const { headers } = await ask(hub, 'GET', path, { headers: { Origin: origin } })
        expect.soft(listOf(headers['vary']), `${path} ${origin}`).toContain('origin')
      }
    }
  })
})

describe('nothing the subscribe route answers is kept by a cache', () => {
  test('streams, ends and refusals alike', async () => {
    const hub = await startHub(KEYS)
    const answers = await collectAnswers(hub)
    const kinds = [
      'stream',
      'stream of a key',
      'head',
      'ended stream',
      'bad name',
      'bad escape',
      'long name',
    ]
    const refusals = ['bad since', 'no token', 'wrong token', 'not acceptable', 'no method']
    for (const kind of [...kinds, ...refusals]) {
      const [, status, answer] = answers.find(([what]) => what === kind)!
      expect.soft(answer.status, kind).toBe(status)
      expect.soft(listOf(answer.headers['cache-control']), kind).toContain('no-store')
      if (status >= 400) expectCoded(answer, status, kind)
    }
    const stream = answers.find(([what]) => what === 'stream')![2]
    expect(stream.headers['cache-control']).toBe('no-store, no-transform')
  })

  test('nor a refused Host', async () => {
    const hub = await startHub()
    const headers = { Host: 'evil.example' }
    const answer = await request(hub.port, 'GET', '/channels/a', { headers })
    expectCoded(answer, 403)
    expect(listOf(answer.headers['cache-control'])).toContain('no-store')
  })
})
