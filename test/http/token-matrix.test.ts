import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeFile } from '../support/folder.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import {
  createKeyPair,
  LONG_SECRET,
  nowSeconds,
  SECRET,
  signByKey,
  signHmac,
  unsigned,
} from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'
import { expectCoded } from './expect-coded.ts'
import { request, type WireAnswer } from './request.ts'

const KEY = 'a-publish-key-of-24-char'
const TOLERANCE_SECONDS = 600
const RULES = {
  PIAZZA_PUBLISH_KEYS: KEY,
  PIAZZA_JWT_ISSUER: 'https://login.example',
  PIAZZA_JWT_AUDIENCE: 'piazza',
  PIAZZA_JWT_CLOCK_TOLERANCE: `${TOLERANCE_SECONDS}s`,
}
const orders = ['orders.*']
const CLAIMS = {
  iss: RULES.PIAZZA_JWT_ISSUER,
  aud: ['other', 'piazza'],
  sub: 'alice',
  piazza: { subscribe: orders, publish: orders, inspect: orders },
}
const everything = { subscribe: ['**'], publish: ['**'], inspect: ['**'] }
const elsewhere = { subscribe: ['x.*'], publish: ['orders'], inspect: ['orders.*.*'] }
const pair = createKeyPair('rsa')
const otherPair = createKeyPair('rsa')

/** What each route needs, and its status when it is allowed. */
const ROUTES = {
  subscribe: ['GET', '/channels/orders.1', 200],
  publish: ['POST', '/channels/orders.1', 201],
  delete: ['DELETE', '/channels/orders.gone', 204],
  history: ['GET', '/channels/orders.1/history', 200],
  stats: ['GET', '/channels/orders.1/stats', 200],
  channels: ['GET', '/channels', 200],
  metrics: ['GET', '/metrics', 200],
} as const
type Route = keyof typeof ROUTES
const ALL = Object.keys(ROUTES) as Route[]
const PLACES = ['header', 'query', 'cookie'] as const

/** The routes that a good token reaches, or the code that a bad one is refused with, whatever the route. */
type Expected = readonly Route[] | string
const BAD = 'PIAZZA_ERR_UNAUTHORIZED'
const MALFORMED = 'PIAZZA_ERR_TOKEN_CLAIMS_INVALID'

/** `sign` makes a good token of the claims, `signOther` one by a key that is not the hub's. */
function tokensOf(
  sign: (claims: object) => string,
  signOther: (claims: object) => string,
  others: [string, string][],
): [string, string | undefined, Expected][] {
  const now = nowSeconds()
  const signed = (claims: object) => sign({ ...CLAIMS, ...claims })
  const [head, , signature] = sign(CLAIMS).split('.')
  return [
    ['no token', undefined, BAD],
    ['key', KEY, ALL],
    ['wrong key', `${KEY}x`, BAD],
    ['valid', signed({}), ALL.filter((route) => route !== 'metrics')],
    ['valid, for everything', signed({ piazza: everything }), ALL],
    ['valid, for other channels', signed({ piazza: elsewhere }), ['channels']],
    ['valid, reading', signed({ piazza: { subscribe: orders } }), ['subscribe', 'history']],
    ['valid, writing', signed({ piazza: { publish: orders } }), ['publish', 'delete']],
    ['valid, looking', signed({ piazza: { inspect: orders } }), ['history', 'stats', 'channels']],
    ['valid, without a word of piazza', signed({ piazza: undefined }), []],
    ['expired within the tolerance', signed({ exp: now - 60, piazza: everything }), ALL],
    ['expired', signed({ exp: now - TOLERANCE_SECONDS - 1 }), 'PIAZZA_ERR_TOKEN_EXPIRED'],
    ['not yet', signed({ nbf: now + 3600 }), BAD],
    ['not yet by no more than the tolerance', signed({ nbf: now + 60, piazza: everything }), ALL],
    ['signed by another key', signOther(CLAIMS), BAD],
    ['none', unsigned(CLAIMS), BAD],
    ['other claims under its signature', `${head}.${btoa('{"exp":9e9}')}.${signature}`, BAD],
    ['wrong aud', signed({ aud: 'someone' }), BAD],
    ['no aud', signed({ aud: undefined }), BAD],
    ['wrong iss', signed({ iss: 'https://evil.example' }), BAD],
    ['no exp', signed({ exp: undefined }), BAD],
    ['exp that is text', signed({ exp: '2099-01-01' }), BAD],
    ['garbage', 'x.y.z', BAD],
    ['garbage of another kind', '....', BAD],
    ['8 kB', signed({ filler: 'x'.repeat(6000) }), BAD],
    ['8 kB of garbage', 'x'.repeat(8192), BAD],
    ['claim that is a list', signed({ piazza: [] }), MALFORMED],
    ['claim with a typo', signed({ piazza: { subcribe: orders } }), MALFORMED],
    ['patterns that are text', signed({ piazza: { subscribe: 'orders.*' } }), MALFORMED],
    ['pattern that is none', signed({ piazza: { publish: ['a..b'] } }), MALFORMED],
    ['pattern that is no text', signed({ piazza: { inspect: [1] } }), MALFORMED],
    ['too many patterns', signed({ piazza: { subscribe: Array(101).fill('a') } }), MALFORMED],
    ['sub that is a number', signed({ sub: 7 }), MALFORMED],
    ...others.map(([name, token]): [string, string, Expected] => [name, token, BAD]),
  ]
}

const SECRET_TOKENS = tokensOf(
  (claims) => signHmac(claims),
  (claims) => signHmac(claims, { secret: LONG_SECRET }),
  [
    ['HS512 by a secret too short for it', signHmac(CLAIMS, { alg: 'HS512' })],
    ['RS256, named HS256', signByKey(CLAIMS, pair, { alg: 'HS256' })],
    ['RS256', signByKey(CLAIMS, pair)],
    ['with an unknown critical header', signHmac(CLAIMS, { header: { crit: ['x'], x: 1 } })],
  ],
)
const PUBLIC_KEY_TOKENS = tokensOf(
  (claims) => signByKey(claims, pair),
  (claims) => signByKey(claims, otherPair),
  [
    ['HMAC with the public key', signHmac(CLAIMS, { secret: pair.pem })],
    [
      'HMAC with the public key, DER',
      signHmac(CLAIMS, { secret: pair.publicKey.export({ type: 'spki', format: 'der' }) }),
    ],
    ['HS256', signHmac(CLAIMS)],
    ['ES256', signByKey(CLAIMS, createKeyPair('ec'))],
  ],
)

function send(
  { port }: TestHub,
  route: Route,
  place: (typeof PLACES)[number],
  token: string | undefined,
): Promise<WireAnswer> {
  const [method, path] = ROUTES[route]
  const body = method === 'POST' ? { body: 'x' } : {}
  if (token === undefined) return request(port, method, path, body)
  if (place === 'query') return request(port, method, `${path}?token=${token}`, body)
  const headers =
    place === 'header' ? { Authorization: `Bearer ${token}` } : { Cookie: `piazza_token=${token}` }
  return request(port, method, path, { ...body, headers })
}

function expectAnswer(
  answer: WireAnswer,
  route: Route,
  isSeen: boolean,
  expected: Expected,
  what: string,
) {
  const error = isSeen ? 'error="invalid_token"' : undefined
  expect.soft(answer.headers['referrer-policy'], what).toBe('no-referrer')
  if (typeof expected === 'string') {
    const { code } = expectCoded(answer, 401, what)
    expect.soft(code, what).toBe(expected)
    const challenge = ['Bearer realm="piazza"', ...(error === undefined ? [] : [error])].join(', ')
    expect.soft(answer.headers['www-authenticate'], what).toBe(challenge)
  } else if (expected.includes(route)) {
    expect.soft(answer.status, `${what} ${answer.text}`).toBe(ROUTES[route][2])
  } else {
    const { code } = expectCoded(answer, 403, what)
    expect.soft(code, what).toBe('PIAZZA_ERR_FORBIDDEN')
    const challenge = 'Bearer realm="piazza", error="insufficient_scope"'
    expect.soft(answer.headers['www-authenticate'], what).toBe(challenge)
  }
}

async function tryAll(hub: TestHub, tokens: typeof SECRET_TOKENS): Promise<void> {
  for (const [name, token, expected] of tokens) {
    const cases = PLACES.flatMap((place) => ALL.map((route) => ({ place, route })))
    await Promise.all(
      cases.map(async ({ place, route }) => {
        const isSeen = token !== undefined && (place !== 'query' || route === 'subscribe')
        const answer = await send(hub, route, place, token)
        const what = `${name}, ${place}, ${route}`
        expectAnswer(answer, route, isSeen, isSeen ? expected : BAD, what)
        if (token !== undefined) expect.soft(answer.text, what).not.toContain(token)
      }),
    )
  }
}

describe.each(['memory', 'Redis'])(
  'every token in every place on every route, over %s',
  (broker) => {
    let redis: TestRedis | undefined
    beforeAll(async () => {
      redis = broker === 'Redis' ? await startRedis() : undefined
    })
    afterAll(() => redis?.stop())

    async function start(settings: Record<string, string>): Promise<TestHub> {
      const address =
        redis === undefined ? {} : { PIAZZA_REDIS_URL: `redis://127.0.0.1:${redis.port}` }
      const hub = await startHub({ ...RULES, ...address, ...settings })
      await waitFor('the hub to be ready', async () => (await hub.get('/readyz')).status === 200)
      return hub
    }

    test('by a secret', async () => {
      await tryAll(await start({ PIAZZA_JWT_SECRET: SECRET }), SECRET_TOKENS)
    })

    test('by a public key', async () => {
      await tryAll(
        await start({ PIAZZA_JWT_PUBLIC_KEY_FILE: writeFile(pair.pem) }),
        PUBLIC_KEY_TOKENS,
      )
    })
  },
)
