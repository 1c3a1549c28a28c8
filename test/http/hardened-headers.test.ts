import { expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { readPaths } from './openapi-document.ts'
import {
  KEY,
  type Provoked,
  provokeEach,
  provokeEverywhere,
  provokeRefusals,
} from './provoke-answers.ts'
import { exchange, request, type WireAnswer } from './request.ts'

/** They would tell an attacker what to look for, or a cache what to compare. */
const NEVER = ['server', 'x-powered-by', 'via', 'etag', 'last-modified', 'expires', 'x-request-id']

/** Not by way of the document: it may be wrong together with what it describes. */
function expectHardened({ method, path, answer }: Provoked): void {
  const { headers, status } = answer
  const what = `${method} ${path} ${status} ${answer.text.slice(0, 80)}`
  const isStream = status === 200 && headers['content-type'] === 'text/event-stream'
  const stored = isStream ? /^no-store(, no-transform)?$/ : /^no-store$/
  expect.soft(headers['cache-control'], what).toMatch(stored)
  expect.soft(headers['x-content-type-options'], what).toBe('nosniff')
  expect.soft(headers['referrer-policy'], what).toBe('no-referrer')
  for (const name of NEVER) expect.soft(headers, what).not.toHaveProperty([name])
  if (answer.text !== '') expect.soft(headers, what).toHaveProperty(['content-type'])
}

test('every answer of every route, good or bad, forbids caches and guessing, and tells nothing of the server', async () => {
  const paths = await readPaths(await startHub())
  const provoked = [
    ...(await provokeEverywhere(paths)),
    ...(await provokeEach(paths)),
    ...(await provokeRefusals()),
  ]
  for (const one of provoked) expectHardened(one)
  const statuses = new Set(provoked.map(({ answer }) => answer.status))
  const all = [200, 201, 202, 204, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 417, 422, 431]
  expect([...statuses]).toEqual(expect.arrayContaining([...all, 500, 503]))
}, 60_000)

/** What node:http or its parser refuses, each in bytes. */
const BROKEN: Readonly<Record<string, string>> = {
  'no HTTP': 'hello\r\n\r\n',
  'a method that is none': 'FETCH / HTTP/1.1\r\nHost: a\r\n\r\n',
  'a version that is none': 'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
  'HTTP/2 by prior knowledge': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a header with a space': 'GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n',
  'two lengths':
    'POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
  'a length and chunks':
    'POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx',
  'chunks that are none':
    'POST /publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'no Host': 'GET / HTTP/1.1\r\n\r\n',
  CONNECT: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
  'an expectation': 'GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n',
  'headers too large': `GET / HTTP/1.1\r\nHost: a\r\nBig: ${'x'.repeat(70_000)}\r\n\r\n`,
  'an address that is none': 'GET %%% HTTP/1.1\r\nHost: a\r\n\r\n',
  'a whole address': 'GET http://a/%zz HTTP/1.1\r\nHost: a\r\n\r\n',
  'an upgrade':
    'GET /nope HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
}

const SPLIT = { PIAZZA_PUBLISH_KEYS: KEY, PIAZZA_INTERNAL_PORT: '0' }

async function answersOf(port: number): Promise<Provoked[]> {
  const sent = Object.entries(BROKEN).map(async ([what, bytes]) => {
    const [answer] = await exchange(port, bytes)
    return { method: what, path: '', answer: answer as WireAnswer }
  })
  return Promise.all(sent)
}

test.each([
  ['public', ({ port }: TestHub) => port],
  ['internal', ({ internalPort }: TestHub) => internalPort],
])('so do refusals of the parser, on the %s port', async (_name, portOf) => {
  const hub = await startHub(SPLIT)
  const answers = await answersOf(portOf(hub))
  for (const one of answers) {
    expectHardened(one)
    expect.soft(one.answer.status, one.method).toBeGreaterThanOrEqual(400)
    expect.soft(one.answer.status, one.method).toBeLessThan(500)
  }
})

test('so does what the public port does not have', async () => {
  const hub = await startHub(SPLIT)
  for (const path of ['/publish', '/metrics', '/channels', '/channels/a', '/readyz', '/nope']) {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      const answer = await request(hub.port, method, path)
      expectHardened({ method, path, answer })
    }
  }
})

test('so does a stream', async () => {
  const hub = await startHub()
  const stream = await openStream(hub.port, '/channels/a')
  const { status, headers, body } = stream
  expectHardened({
    method: 'get',
    path: '/channels/a',
    answer: { status, headers, text: body, json: undefined },
  })
  expect(headers['cache-control']).toBe('no-store, no-transform')
})
