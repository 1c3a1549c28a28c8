import { setImmediate } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Right } from '../../src/auth/grant.ts'
import { type TokenOptions, Tokens } from '../../src/auth/tokens.ts'
import { startJwksServer } from '../support/jwks-server.ts'
import {
  createKeyPair,
  LONG_SECRET,
  nowSeconds,
  SECRET,
  signByKey,
  signHmac,
} from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'

const LOG = { info: () => {}, warn: () => {} }
const NOTHING = { subscribe: [], publish: [], inspect: [] }
const EXPIRED = expect.objectContaining({ code: 'PIAZZA_ERR_TOKEN_EXPIRED', statusCode: 401 })
const BAD = expect.objectContaining({ code: 'PIAZZA_ERR_UNAUTHORIZED', statusCode: 401 })
const RIGHTS: readonly Right[] = ['subscribe', 'publish', 'inspect']

function tokensOf(options: Partial<TokenOptions> = {}, anyone = NOTHING): Tokens {
  const all = {
    key: { secret: SECRET },
    algorithms: [],
    issuer: undefined,
    audience: undefined,
    toleranceMs: 5000,
    isExpRequired: true,
    ...options,
  }
  return new Tokens(all, anyone, LOG)
}

/** The clock that does not jump, so much ahead of itself. */
function setForward() {
  const clock = { aheadMs: 0 }
  const read = performance.now.bind(performance)
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => read() + clock.aheadMs)
  onTestFinished(() => {
    spy.mockRestore()
  })
  return clock
}

describe('the algorithms of a key', () => {
  test.each([
    ['HS256', SECRET, true],
    ['HS384', SECRET, false],
    ['HS384', SECRET + SECRET.slice(16), true],
    ['HS512', SECRET + SECRET.slice(16), false],
    ['HS512', LONG_SECRET, true],
  ] as const)('%s by %s: %s', async (alg, secret, isTaken) => {
    const token = signHmac({}, { alg, secret })
    const verified = tokensOf({ key: { secret } }).grantFor(token)
    if (isTaken) expect((await verified).isAnonymous).toBe(false)
    else await expect(verified).rejects.toThrow(BAD)
  })

  test.each(['rsa', 'ec', 'ed25519'] as const)('a public key, %s', async (type) => {
    const pair = createKeyPair(type)
    const tokens = tokensOf({ key: { publicKey: pair.publicKey } })
    expect((await tokens.grantFor(signByKey({ sub: 'a' }, pair))).scope).toBe('sub:a')
    await expect(tokens.grantFor(signByKey({}, createKeyPair(type)))).rejects.toThrow(BAD)
    for (const other of ['HS256', 'none', 'ES384', 'Ed448']) {
      const token = signByKey({}, pair, { alg: other })
      await expect(tokens.grantFor(token)).rejects.toThrow(`the algorithm "${other}"`)
    }
  })

  test('are fewer if the settings say so', async () => {
    const tokens = tokensOf({ key: { secret: LONG_SECRET }, algorithms: ['HS512'] })
    const secret = LONG_SECRET
    expect((await tokens.grantFor(signHmac({}, { alg: 'HS512', secret }))).isAnonymous).toBe(false)
    await expect(tokens.grantFor(signHmac({}, { alg: 'HS256', secret }))).rejects.toThrow(
      /algorithm "HS256"/,
    )
  })
})

describe('a token that was verified before', () => {
  test('is refused when it has expired', async () => {
    vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ['Date'] })
    try {
      const tokens = tokensOf()
      const token = signHmac({ exp: 1_800_000_010 })
      expect((await tokens.grantFor(token)).endsAtMs).toBe(1_800_000_010_000)
      vi.setSystemTime(1_800_000_009_999)
      expect((await tokens.grantFor(token)).endsAtMs).toBe(1_800_000_010_000)
      vi.setSystemTime(1_800_000_010_000) // within the tolerance
      expect((await tokens.grantFor(token)).endsAtMs).toBe(1_800_000_015_000)
      vi.setSystemTime(1_800_000_015_000)
      await expect(tokens.grantFor(token)).rejects.toThrow(EXPIRED)
      vi.setSystemTime(1_800_000_100_000)
      await expect(tokens.grantFor(token)).rejects.toThrow(EXPIRED)
    } finally {
      vi.useRealTimers()
    }
  })

  test('is refused when its key is no longer listed, however often it is sent', async () => {
    const [one, two] = [createKeyPair(), createKeyPair()]
    const server = await startJwksServer({ one, two })
    const clock = setForward()
    const tokens = tokensOf({ key: { jwksUrl: server.url } })
    const token = signByKey({}, one, { kid: 'one' })
    const isTaken = () =>
      tokens.grantFor(token).then(
        () => true,
        () => false,
      )
    await waitFor('the keys', isTaken)
    server.list({ two })
    for (let minutes = 0; server.fetches < 2 && minutes < 1000; minutes += 1) {
      clock.aheadMs += 60_001
      await isTaken()
      await setImmediate() // timers run
    }
    expect(server.fetches).toBe(2)
    await waitFor('the refusal', async () => !(await isTaken()))
    clock.aheadMs += 10_001 // a fetch may follow
    await expect(tokens.grantFor(token)).rejects.toThrow(BAD)
  })

  test('does not vouch for another: one character more, less or other', async () => {
    const tokens = tokensOf()
    const token = signHmac({ sub: 'alice' })
    await tokens.grantFor(token)
    const [head, body, signature] = token.split('.') as [string, string, string]
    const others = [
      `${token}A`,
      token.slice(0, -1),
      ` ${token}`,
      `${token}.`,
      `${head}.${body}.`,
      `${head}.${body.slice(0, -1)}.${signature}`,
      `${head}.${body}.${signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`,
    ]
    for (const other of others) await expect(tokens.grantFor(other)).rejects.toThrow(BAD)
    expect((await tokens.grantFor(token)).scope).toBe('sub:alice')
  })
})

test('of the tokens that were verified a thousand are remembered, and not more', async () => {
  const verify = vi.spyOn(crypto.subtle, 'verify')
  onTestFinished(() => {
    verify.mockRestore()
  })
  const tokens = tokensOf()
  const first = signHmac({ sub: 'first' })
  for (let i = 0; i < 2; i += 1) await tokens.grantFor(first)
  expect(verify).toHaveBeenCalledTimes(1)
  for (let i = 0; i < 1000; i += 1) await tokens.grantFor(signHmac({ sub: `${i}` }))
  expect(verify).toHaveBeenCalledTimes(1001)
  await tokens.grantFor(first)
  expect(verify).toHaveBeenCalledTimes(1002)
})

describe('what it allows', () => {
  test('is what its claim says, and what anyone may do', async () => {
    const anyone = { ...NOTHING, subscribe: [['news']] }
    const piazza = { subscribe: ['a.*'], publish: ['b', 'c.**'] }
    const { rights } = await tokensOf({}, anyone as never).grantFor(signHmac({ piazza }))
    expect(RIGHTS.map((right) => rights[right].map((pattern) => pattern.join('.')))).toEqual([
      ['a.*', 'news'],
      ['b', 'c.**'],
      [],
    ])
  })

  test.each([
    [{ piazza: 'all' }, /"piazza" is "all"; it takes \{/],
    [{ piazza: { subscribe: ['ok'], __proto__x: [] } }, /no "__proto__x"; it takes subscribe,/],
    [{ piazza: { subscribe: 'orders.*' } }, /piazza\.subscribe" is "orders\.\*"; it takes a list/],
    [{ piazza: { publish: ['orders.'] } }, /piazza\.publish" has "orders\."; .*patterns such as/],
    [{ piazza: { inspect: [{}] } }, /piazza\.inspect" has an object/],
    [{ sub: ['alice'] }, /"sub" takes a string/],
    [{ sub: 'x'.repeat(257) }, /"sub" takes a string of at most 256/],
  ])('%j: the refusal says what would be right', async (claims, message) => {
    await expect(tokensOf().grantFor(signHmac(claims))).rejects.toThrow(message)
  })

  test('exp is not asked for where it is optional, and kept to all the same', async () => {
    const tokens = tokensOf({ isExpRequired: false })
    const grant = await tokens.grantFor(signHmac({ exp: undefined }))
    expect(grant.endsAtMs).toBe(Number.POSITIVE_INFINITY)
    await expect(tokens.grantFor(signHmac({ exp: nowSeconds() - 60 }))).rejects.toThrow(EXPIRED)
  })
})
