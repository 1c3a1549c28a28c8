import { type Socket } from 'node:net'
import { errors } from '../../src/errors.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { createKeyPair, signByKey } from '../support/tokens.ts'
import { type Paths, UNKNOWN_PATH } from './openapi-document.ts'
import { encodeRequest, exchange, request, type WireAnswer, type WireRequest } from './request.ts'

/** A real answer, and the operation of the document that it is one of. */
export interface Provoked {
  readonly method: string
  readonly path: string
  readonly answer: WireAnswer
}

export const KEY = 'correct-horse-battery-staple'
export const PAGE = 'https://app.example'
const CORS = { PIAZZA_CORS_ORIGINS: PAGE }
const AUTH = { Authorization: `Bearer ${KEY}`, Origin: PAGE }
const JSON_TYPE = { 'Content-Type': 'application/json' }

const urlOf = (path: string) => (path === UNKNOWN_PATH ? '/nope' : path.replace('{name}', 'a'))

export function operationsOf(paths: Paths) {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ method, path, operation })),
  )
}

/** A hub with a key, whose answers a page of `PAGE` may read. */
export function startListedHub(settings: Record<string, string> = {}): Promise<TestHub> {
  return startHub({ ...CORS, PIAZZA_PUBLISH_KEYS: KEY, ...settings })
}

/** What anything may be answered, asked of every operation. */
export async function provokeEverywhere(paths: Paths): Promise<Provoked[]> {
  const hub = await startListedHub()
  const openHub = await startHub(CORS)
  const provoked: Provoked[] = []
  for (const { method, path, operation } of operationsOf(paths)) {
    const send = (at: TestHub, sent: string, headers: Record<string, string>) =>
      request(at.port, sent, urlOf(path), { headers: { ...AUTH, ...headers } })
    const verb = method.toUpperCase()
    const isHead = verb === 'HEAD'
    const head = encodeRequest(hub.port, verb, urlOf(path), { headers: AUTH }).toString('latin1')
    const broken = head.replace('Host:', 'Bad Header:')
    const answers = [
      await send(hub, verb, { Expect: 'nonsense' }),
      await send(hub, verb, { Big: 'x'.repeat(70_000) }),
      await send(hub, verb, { HOST: 'two' }),
      await request(hub.port, verb, `${urlOf(path)}?x=${'x'.repeat(50_000)}`, { headers: AUTH }),
      await send(openHub, verb, { Host: 'evil.example' }),
      (await exchange(hub.port, broken, { isHead }))[0]!,
      await timeOut(hub),
    ]
    if (operation.responses['405']) answers.push(await send(hub, 'PATCH', {}))
    if (operation.responses['401']) answers.push(await send(hub, verb, { Authorization: '' }))
    provoked.push(...answers.map((answer) => ({ method, path, answer })))
  }
  return provoked
}

/** Node looks for requests that don't come only twice a minute. */
async function timeOut({ port, app }: TestHub): Promise<WireAnswer> {
  const { server } = app.http
  server.once('connection', (socket: Socket) => {
    const error = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
    server.emit('clientError', error, socket)
  })
  return (await exchange(port, 'G'))[0]!
}

type Sent = readonly [method: string, path: string, url?: string, options?: WireRequest]

async function sendAll(hub: TestHub, requests: readonly Sent[]): Promise<Provoked[]> {
  const provoked: Provoked[] = []
  for (const [method, path, url = urlOf(path), options = {}] of requests) {
    const headers = { ...AUTH, ...options.headers }
    const answer = await request(hub.port, method.toUpperCase(), url, { ...options, headers })
    provoked.push({ method, path, answer })
  }
  return provoked
}

const item = (channel: string, rest = '') => `{"channel":"${channel}","data":1${rest}}`

const ROUTES_READ = [
  '/channels',
  '/channels/{name}/history',
  '/channels/{name}/stats',
  '/channels/{name}',
  '/livez',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/',
  UNKNOWN_PATH,
]
const read = (...sent: readonly [path: string, url?: string, options?: WireRequest]): Sent[] => [
  ['get', ...sent],
  ['head', ...sent],
]
const post = (body: string, headers: Record<string, string> = JSON_TYPE): Sent => [
  'post',
  '/publish',
  '/publish',
  { body, headers },
]
const raw = (url: string, headers: Record<string, string> = {}, body = 'x'): Sent => [
  'post',
  '/channels/{name}',
  url,
  { body, headers },
]

/** What each route answers of its own. */
export async function provokeEach(paths: Paths): Promise<Provoked[]> {
  const hub = await startListedHub({
    PIAZZA_MAX_MESSAGE_BYTES: '1KiB',
    PIAZZA_PUBLISH_RATE: '1000/s',
  })
  const tooLong = { 'Content-Length': '1000000000' }
  const options = Object.keys(paths).map((path): Sent => ['options', path])
  const pipelined = ['GET', 'HEAD'].map(async (method) => {
    const first = encodeRequest(hub.port, method, '/channels/a', { headers: AUTH })
    const both = Buffer.concat([first, encodeRequest(hub.port, 'GET', '/livez')])
    const [answer] = await exchange(hub.port, both, { isHead: method === 'HEAD' })
    return { method: method.toLowerCase(), path: '/channels/{name}', answer: answer! }
  })
  return [
    ...(await sendAll(hub, [
      post(item('over', ',"end":true')),
      post(item('a')),
      post(item('over')),
      post(item('a', ',"ephemeral":true')),
      post(item('a', ',"idempotencyKey":"k"')),
      post(item('a', ',"idempotencyKey":"k"')),
      post(item('b', ',"idempotencyKey":"k"')),
      post('{'),
      post('{}'),
      post('x', {}),
      post('x', { ...JSON_TYPE, ...tooLong }),
      post(item('a', `,"event":"${'x'.repeat(2000)}"`)),
      post(JSON.stringify({ channel: 'a', data: 'x'.repeat(2000) })),
      raw('/channels/a'),
      raw('/channels/over'),
      raw('/channels/a?ephemeral=true'),
      raw('/channels/a', { 'Idempotency-Key': 'r' }),
      raw('/channels/a?x=1'),
      raw('/channels/a', { 'Idempotency-Key': 'r' }),
      raw('/channels/a', tooLong),
      raw('/channels/a', { 'Idempotency-Key': 'r' }, 'y'),
      raw('/channels/a..b'),
      raw('/channels/a', {}, 'x'.repeat(2000)),
      ['delete', '/channels/{name}', '/channels/gone'],
      ...ROUTES_READ.flatMap((path) => read(path)),
      ...read('/channels/{name}', '/channels/over'),
      ...read('/channels/{name}', '/channels/a', { headers: { Accept: 'image/png' } }),
      ...read('/channels/{name}', '/channels/a?since=x'),
      ...options,
    ])),
    ...(await Promise.all(pipelined)),
  ]
}

/** What is answered while the hub can't do what it is asked. */
export async function provokeRefusals(): Promise<Provoked[]> {
  const subscribe = read('/channels/{name}')
  const full = ['200', '503'].map(async (status) => {
    const hub = await startListedHub({ PIAZZA_MAX_STREAMS: '1', PIAZZA_OVERLOAD_STATUS: status })
    await openStream(hub.port, '/channels/a', { headers: AUTH })
    return sendAll(hub, subscribe)
  })
  const draining = await startListedHub()
  await draining.app.hub.drain(0)
  const limited = await startListedHub({ PIAZZA_PUBLISH_RATE: '1/s' })
  const batch = Array.from({ length: 100 }, () => item('a'))
  const publishes: Sent[] = [
    post(`[${batch.join()}]`), // which is owed for longer than this takes
    post(item('a')),
    raw('/channels/a'),
    ['delete', '/channels/{name}'],
  ]
  const asksBroker: Sent[] = [
    ...read('/channels'),
    ...read('/channels/{name}/history'),
    ...read('/channels/{name}/stats'),
    ['delete', '/channels/{name}'],
    post('{"channel":"a","data":1}'),
    raw('/channels/a'),
  ]
  const keyless = await startListedHub({ PIAZZA_JWT_JWKS_URL: 'http://127.0.0.1:1/' })
  const token = signByKey({}, createKeyPair(), { kid: 'one' })
  const withToken = { headers: { Authorization: `Bearer ${token}` } }
  return [
    ...(await Promise.all(full)).flat(),
    ...(await sendAll(keyless, [
      ...read('/metrics', '/metrics', withToken),
      ...read('/channels/{name}', '/channels/a', withToken),
    ])),
    ...(await sendAll(limited, publishes)),
    ...(await sendAll(draining, read('/readyz'))),
    ...(await sendAll(await startFailingHub(new errors.BROKER_UNAVAILABLE('away')), asksBroker)),
    ...(await sendAll(await startFailingHub(new Error('a fault')), [...asksBroker, ...subscribe])),
  ]
}

async function startFailingHub(error: Error): Promise<TestHub> {
  const hub = await startListedHub()
  const fail = async () => {
    throw error
  }
  const methods = ['publish', 'delete', 'open', 'list', 'history', 'inspect'] as const
  for (const method of methods) hub.app.broker[method] = fail
  return hub
}
