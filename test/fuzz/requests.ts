import { METHODS } from 'node:http'
import * as fc from 'fast-check'
import { body, type Framed, framing } from './bodies.ts'

/** The key that the hub knows. */
export const KEY = 'a-key-for-the-fuzzed-hub'
const DEEP = 210

/** A request that may be good; what stands on the wire is `encode`d from it, and then edited. */
export interface FuzzedRequest {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly framed: Framed | undefined
}

const words = (text: string) => text.split(' ')
const times = (text: string, count: number) => text.repeat(count)
/** Mostly the first. */
const mostly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 9) =>
  fc.oneof({ weight, arbitrary: usual }, { weight: 1, arbitrary: odd })

const oddText = fc.oneof(
  fc.constantFrom(
    '',
    '%',
    '%0',
    '%zz',
    '%00',
    '%c3%28',
    '%2C',
    '%2F',
    '%2e%2e',
    '%F0%9F%98%80',
    '..',
    '.a',
    'a..b',
    '*',
    '**',
    'a,*',
    ',',
    'a,,b',
    '\0',
    '\t',
    'é',
    'a b',
    'a#b',
    '\\',
    '[::1]',
    '__proto__',
    'constructor',
    'x'.repeat(201),
    'x'.repeat(20_000),
    Array.from({ length: 65 }, (_, i) => `c${i}`).join(','),
    Array.from({ length: 64 }, (_, i) => `c${i}`).join(','),
  ),
  fc.string({ maxLength: 30, unit: 'binary' }),
  fc.string({ maxLength: 8, unit: fc.constantFrom(...'%,.*/?&=+;:@aA0~'.split('')) }),
)

const channel = mostly(fc.constantFrom('a', 'b', 'news.x', 'ended', 'gone', 'a,b'), oddText, 6)

const value = mostly(
  fc.constantFrom(
    ...words(
      '1 0 5 on off true false all 10s 2h message x,y 2026-11-26T10:00:00Z ' +
        '00000000001 zzzzzzzzzzz -1 1e9 99999999999999999999',
    ),
    KEY,
  ),
  oddText,
  4,
)

const query = fc
  .array(
    fc.tuple(
      mostly(
        fc.constantFrom(
          ...words(
            'lastEventId last_event_id since last events ping envelope control padding ' +
              'token event retry ephemeral end match limit after',
          ),
        ),
        oddText,
      ),
      value,
    ),
    { maxLength: 3 },
  )
  .map((pairs) =>
    pairs.length === 0 ? '' : `?${pairs.map(([name, of]) => `${name}=${of}`).join('&')}`,
  )

const path = fc.oneof(
  { weight: 4, arbitrary: channel.map((name) => `/channels/${name}`) },
  { weight: 2, arbitrary: fc.constant('/publish') },
  { weight: 1, arbitrary: channel.map((name) => `/channels/${name}/history`) },
  { weight: 1, arbitrary: channel.map((name) => `/channels/${name}/stats`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...words(
        '/channels /livez /readyz /metrics /openapi.json / /nope /channels/ // ' +
          '/publish/ /PUBLISH /./publish /channels/a/b/c',
      ),
    ),
  },
)

const target = mostly(
  fc.tuple(path, query).map((parts) => parts.join('')),
  fc.oneof(
    oddText,
    oddText.map((text) => `/${text}`),
    fc.constantFrom('*', 'http://evil.example/publish', 'evil.example:443', '?', '/?', '/#'),
    fc.constantFrom(`/${times('a', 70_000)}`, `/channels/a?${times('since=1&', 5000)}`),
  ),
  12,
)

const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('GET', 'POST') },
  { weight: 3, arbitrary: fc.constantFrom('HEAD', 'DELETE', 'OPTIONS', 'PUT', 'PATCH') },
  { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('get', 'POSTT', 'G', '', 'PRI', 'GET\t', times('X', 100)),
  },
)

const version = mostly(
  fc.constantFrom(' HTTP/1.1', ' HTTP/1.1', ' HTTP/1.1', ' HTTP/1.0'),
  fc.constantFrom('', ' HTTP/0.9', ' HTTP/2.0', ' HTTP/1.2', ' http/1.1', ' HTTP/1.1 ', ' HTTP/11'),
  15,
)

const goodHeader = fc.constantFrom<readonly [string, string]>(
  ['Authorization', `Bearer ${KEY}`],
  ['Authorization', 'Bearer nope'],
  ['Authorization', 'Basic YTpi'],
  ['Authorization', `Bearer ${times('eyJhbGciOiJub25lIn0', 400)}`],
  ['Authorization', 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.x'],
  ['Cookie', `piazza_token=${KEY}`],
  ['Cookie', 'piazza_token=%zz; ; =; a'],
  ['Origin', 'https://app.example'],
  ['Origin', 'null'],
  ['Accept', 'text/event-stream'],
  ['Accept', 'text/*;q=0, image/png'],
  ['Accept', ',;q=,'],
  ['Last-Event-ID', '00000000001'],
  ['Last-Event-ID', 'zzzzzzzzzzz'],
  ['Idempotency-Key', 'k'],
  ['Idempotency-Key', times('k', 201)],
  ['Content-Type', 'application/json'],
  ['Content-Type', 'application/json; charset=latin1'],
  ['Content-Type', 'multipart/form-data; boundary='],
  ['Expect', '100-continue'],
  ['Expect', '200-ok'],
  ['Connection', 'close'],
  ['Connection', 'keep-alive, Host'],
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Upgrade', 'h2c'],
  ['Range', 'bytes=0-1'],
  ['If-None-Match', '*'],
  ['Accept-Encoding', 'gzip'],
  ['Access-Control-Request-Method', 'POST'],
  ['X-Forwarded-For', '1.2.3.4'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['Trailer', 'Host'],
  ['Host', 'two'],
)

const oddHeader = fc.oneof(
  fc.tuple(fc.constantFrom('X', 'Host', 'Cookie', 'Accept', 'Origin', 'Last-Event-ID'), oddText),
  fc.tuple(fc.constantFrom('', ' X', 'X ', 'X\0', 'é', '\r', 'a b', '__proto__'), oddText),
  fc.constantFrom<readonly [string, string]>(
    ['X', times('x', 70_000)],
    ['X', 'a\r\n folded'],
    ['X', 'a\nY: b'],
    ['X', 'a\rb'],
  ),
)

const headers = fc.oneof(
  { weight: 20, arbitrary: fc.array(mostly(goodHeader, oddHeader), { maxLength: 4 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      Array.from({ length: 3000 }, (_, i) => [`h${i}`, 'x'] as const),
      Array.from({ length: 500 }, () => ['Host', 'a'] as const),
      Array.from({ length: 500 }, () => ['Cookie', 'a=b'] as const),
    ),
  },
)

export const fuzzedRequest: fc.Arbitrary<FuzzedRequest> = fc
  .record({
    method,
    target,
    version,
    headers,
    isHosted: fc.constantFrom(...Array.from({ length: 15 }, () => true), false),
    isAuthorized: fc.boolean(),
    framed: fc.option(framing(body(DEEP)), { nil: undefined }),
  })
  .map(({ isHosted, isAuthorized, framed, ...rest }) => {
    const rows: (readonly [string, string])[] = []
    if (isHosted) rows.push(['Host', 'localhost'])
    if (isAuthorized) rows.push(['Authorization', `Bearer ${KEY}`])
    if (rest.target.startsWith('/publish')) rows.push(['Content-Type', 'application/json'])
    const hasBody = rest.method === 'POST' || framed?.isForced === true
    const { method: verb, target: to, version: of } = rest
    return {
      method: verb,
      target: to,
      version: of,
      framed: hasBody ? framed : undefined,
      headers: rows.concat(rest.headers),
    }
  })

/** Characters are bytes, where they are below 256. */
export function encode({
  method: verb,
  target: to,
  version: of,
  headers: rows,
  framed,
}: FuzzedRequest): Buffer {
  const lines = [...rows, ...(framed?.headers ?? [])].map(([name, of_]) => `${name}: ${of_}\r\n`)
  const head = Buffer.from(`${verb} ${to}${of}\r\n${lines.join('')}\r\n`, 'latin1')
  return framed === undefined ? head : Buffer.concat([head, framed.bytes])
}
