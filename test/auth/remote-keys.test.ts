import { jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { RemoteKeys, type RemoteKeysOptions } from '../../src/auth/remote-keys.ts'
import { type JwksServer, startJwksServer } from '../support/jwks-server.ts'
import { createKeyPair, type KeyPair, signByKey } from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'

const ONE = createKeyPair('ec')
const TWO = createKeyPair('ec')
const UNAVAILABLE = expect.objectContaining({ code: 'PIAZZA_ERR_KEYS_UNAVAILABLE' })
const NO_SUCH_KEY = expect.objectContaining({ code: 'ERR_JWKS_NO_MATCHING_KEY' })

interface Said {
  readonly level: 'info' | 'warn'
  readonly fields: Record<string, unknown>
  readonly message: string
}

/** Keys that nothing but the test fetches again, unless `options` say so. */
function keysOf({ url }: JwksServer, options: Partial<RemoteKeysOptions> = {}) {
  const said: Said[] = []
  let changes = 0
  const keys = new RemoteKeys({
    url,
    log: {
      info: (fields, message) => said.push({ level: 'info', fields: { ...fields }, message }),
      warn: (fields, message) => said.push({ level: 'warn', fields: { ...fields }, message }),
    },
    onChange: () => {
      changes += 1
    },
    cooldownMs: 0,
    ...options,
  })
  const verify = async (pair: KeyPair, kid?: string) => {
    const token = signByKey({ sub: 'alice' }, pair, kid === undefined ? {} : { kid })
    const { payload } = await jwtVerify(token, (header, jws) => keys.find(header, jws))
    return payload.sub
  }
  return {
    keys,
    verify,
    said,
    get changes() {
      return changes
    },
  }
}

describe('keys of a JWKS URL', () => {
  test('are fetched once for many tokens, and before the first one if they are started', async () => {
    const server = await startJwksServer({ one: ONE })
    const { keys, verify } = keysOf(server)
    keys.start()
    await waitFor('the first fetch', () => server.fetches === 1)
    const all = Array.from({ length: 50 }, () => verify(ONE, 'one'))
    expect(new Set(await Promise.all(all))).toEqual(new Set(['alice']))
    expect(await verify(ONE)).toBe('alice') // the only one needs no name
    expect(server.fetches).toBe(1)
  })

  test('rotate without a restart', async () => {
    const server = await startJwksServer({ one: ONE })
    const remote = keysOf(server)
    expect(await remote.verify(ONE, 'one')).toBe('alice')
    server.list({ one: ONE, two: TWO })
    expect(await remote.verify(TWO, 'two')).toBe('alice')
    expect(await remote.verify(ONE, 'one')).toBe('alice')
    expect({ fetches: server.fetches, changes: remote.changes }).toEqual({ fetches: 2, changes: 2 })
  })

  test('that are no longer listed are refused after a while, without anybody waiting for it', async () => {
    const server = await startJwksServer({ one: ONE, two: TWO })
    const { verify } = keysOf(server, { maxAgeMs: 0 })
    await verify(ONE, 'one')
    server.list({ two: TWO })
    await waitFor('the refusal', () =>
      verify(ONE, 'one').then(
        () => false,
        () => true,
      ),
    )
    await expect(verify(ONE, 'one')).rejects.toThrow(NO_SUCH_KEY)
    expect(await verify(TWO, 'two')).toBe('alice')
  })

  test('stay good while the host is away, however old they are', async () => {
    const server = await startJwksServer({ one: ONE })
    const { verify, said } = keysOf(server, { maxAgeMs: 0 })
    await verify(ONE, 'one')
    await server.leave()
    await waitFor('a fetch that failed', async () => {
      expect(await verify(ONE, 'one')).toBe('alice')
      return said.length > 0
    })
    for (let i = 0; i < 20; i += 1) expect(await verify(ONE, 'one')).toBe('alice')
    expect(said).toEqual([
      {
        level: 'warn',
        fields: { reason: expect.stringContaining('fetch failed') },
        message: 'the keys for tokens could not be fetched',
      },
    ])
    await server.comeBack()
    await waitFor('the word that it is back', async () => {
      await verify(ONE, 'one')
      return said.length > 1
    })
    expect(said[1]).toMatchObject({ level: 'info', message: expect.stringContaining('again') })
  })

  test('that are not there yet refuse for now, and are there as soon as the host is', async () => {
    const server = await startJwksServer({ one: ONE })
    await server.leave()
    const { verify } = keysOf(server)
    await expect(verify(ONE, 'one')).rejects.toThrow(UNAVAILABLE)
    await server.comeBack()
    expect(await verify(ONE, 'one')).toBe('alice')
  })

  test('of a host that hangs are waited for, but not for long', async () => {
    const server = await startJwksServer({ one: ONE })
    server.hang()
    const { verify } = keysOf(server, { timeoutMs: 100 })
    await expect(verify(ONE, 'one')).rejects.toThrow(UNAVAILABLE)
    const slow = verify(ONE, 'one')
    await waitFor('the second fetch', () => server.fetches === 2)
    server.list({ one: ONE })
    expect(await slow).toBe('alice')
  })

  test.each([
    ['no JSON', 200, '<html>'],
    ['JSON of another kind', 200, '{"keys":"none"}'],
    ['a list', 200, '[]'],
    ['an error', 500, '{}'],
    ['a redirect', 302, ''],
    ['more than a set can have', 200, `{"keys":[],"x":"${'x'.repeat(2 * 1024 * 1024)}"}`],
  ])('stay as they were when the host says %s', async (_what, status, body) => {
    const server = await startJwksServer({ one: ONE })
    const { verify, said } = keysOf(server)
    await verify(ONE, 'one')
    server.say(status, body)
    await expect(verify(TWO, 'two')).rejects.toThrow(UNAVAILABLE)
    expect(await verify(ONE, 'one')).toBe('alice')
    expect(said).toHaveLength(1)
    server.list({ one: ONE, two: TWO })
    expect(await verify(TWO, 'two')).toBe('alice')
  })

  test('that can sign nothing of the kind are no match', async () => {
    const server = await startJwksServer({ one: createKeyPair('rsa') })
    await expect(keysOf(server).verify(ONE, 'one')).rejects.toThrow(NO_SUCH_KEY)
  })
})

describe('fetching again', () => {
  test('is bounded: tokens of unknown keys are refused for now, and cause no fetch before the time', async () => {
    const server = await startJwksServer({ one: ONE })
    const { verify } = keysOf(server, { cooldownMs: 60_000 })
    await verify(ONE, 'one')
    for (let i = 0; i < 100; i += 1) {
      await expect(verify(TWO, `unknown-${i}`)).rejects.toThrow(UNAVAILABLE)
    }
    expect(server.fetches).toBe(1)
    expect(await verify(ONE, 'one')).toBe('alice')
  })

  test('answers all who wait: a key that is not listed even then is none', async () => {
    const server = await startJwksServer({ one: ONE })
    const remote = keysOf(server)
    const { verify } = remote
    await verify(ONE, 'one')
    server.hang()
    const waiting = Array.from({ length: 20 }, (_, i) => verify(TWO, `unknown-${i}`))
    const outcomes = Promise.allSettled(waiting)
    await waitFor('the fetch', () => server.fetches === 2)
    server.list({ one: ONE })
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: NO_SUCH_KEY })
    }
    expect({ fetches: server.fetches, changes: remote.changes }).toEqual({ fetches: 2, changes: 2 })
  })

  test('is bounded when it fails, too', async () => {
    const server = await startJwksServer({ one: ONE })
    server.say(503, '')
    const { verify } = keysOf(server, { cooldownMs: 60_000 })
    for (let i = 0; i < 20; i += 1) await expect(verify(ONE)).rejects.toThrow(UNAVAILABLE)
    expect(server.fetches).toBe(1)
  })
})
