import { describe, expect, test } from 'vitest'
import { Access, type AccessOptions, requireRight } from '../../src/auth/access.ts'
import { type Pattern, parsePattern } from '../../src/auth/channel-pattern.ts'
import { allows, allowsAll, type Right } from '../../src/auth/grant.ts'

const KEY = 'a-publish-key-of-24-char'
const SILENT = { info: () => {}, warn: () => {} }
const RIGHTS: readonly Right[] = ['subscribe', 'publish', 'inspect']

function patterns(...texts: readonly string[]): Pattern[] {
  return texts.map((text) => parsePattern(text)!)
}

function access(options: Partial<AccessOptions> = {}): Access {
  return new Access({
    publishKeys: [],
    publishKeysFile: undefined,
    tokens: undefined,
    anonymous: { subscribe: false, publish: false },
    publicChannels: [],
    isOpen: false,
    log: SILENT,
    ...options,
  })
}

/** What a token, or a request without, may do on a channel. */
async function rightsOf(of: Access, token: string | undefined, channel: string): Promise<Right[]> {
  const grant = await (token === undefined ? of.ambientGrant(undefined) : of.grantFor(token))
  return RIGHTS.filter((right) => allows(grant, right, channel))
}

describe('a publish key', () => {
  test('may do everything everywhere', async () => {
    const keys = access({ publishKeys: [KEY] })
    expect(await rightsOf(keys, KEY, 'a.b.c')).toEqual(RIGHTS)
    const grant = await keys.grantFor(KEY)
    expect(RIGHTS.every((right) => allowsAll(grant, right))).toBe(true)
    expect(grant.isAnonymous).toBe(false)
  })

  test('keys share one scope of idempotency', async () => {
    const keys = access({ publishKeys: [KEY, `${KEY}2`] })
    expect((await keys.grantFor(KEY)).scope).toBe((await keys.grantFor(`${KEY}2`)).scope)
  })

  test.each(['', 'wrong', KEY.slice(1)])('a token that is none is refused: %j', async (token) => {
    await expect(async () => access({ publishKeys: [KEY] }).grantFor(token)).rejects.toThrow(
      expect.objectContaining({ code: 'PIAZZA_ERR_UNAUTHORIZED', statusCode: 401 }),
    )
  })

  test('a bad token is refused also where none is needed: a client believes it has more', async () => {
    const anonymous = { subscribe: true, publish: true }
    await expect(async () =>
      access({ publishKeys: [KEY], anonymous }).grantFor('wrong'),
    ).rejects.toThrow(/token/)
  })

  test('the refusal does not repeat the token', async () => {
    await expect(async () =>
      access({ publishKeys: [KEY] }).grantFor('a-secret-typo'),
    ).rejects.not.toThrow(/a-secret-typo/)
  })
})

describe('without a token', () => {
  test('closed: nothing', async () => {
    expect(await rightsOf(access({ publishKeys: [KEY] }), undefined, 'a')).toEqual([])
  })

  test('PIAZZA_ANONYMOUS=subscribe: subscribe everywhere', async () => {
    const open = access({ anonymous: { subscribe: true, publish: false } })
    expect(await rightsOf(open, undefined, 'a.b')).toEqual(['subscribe'])
  })

  test('PIAZZA_ANONYMOUS=publish,subscribe: both, and no inspecting', async () => {
    const open = access({ anonymous: { subscribe: true, publish: true } })
    expect(await rightsOf(open, undefined, 'a.b')).toEqual(['subscribe', 'publish'])
    expect((await open.ambientGrant(undefined)).isAnonymous).toBe(true)
  })

  test('PIAZZA_PUBLIC_CHANNELS: subscribe to these only', async () => {
    const open = access({ publishKeys: [KEY], publicChannels: patterns('news', 'scores.*') })
    expect(await rightsOf(open, undefined, 'news')).toEqual(['subscribe'])
    expect(await rightsOf(open, undefined, 'scores.1')).toEqual(['subscribe'])
    expect(await rightsOf(open, undefined, 'scores.1.x')).toEqual([])
    expect(await rightsOf(open, undefined, 'other')).toEqual([])
    expect(allowsAll(await open.ambientGrant(undefined), 'subscribe')).toBe(false)
  })

  test('open mode: everything, whatever token a client happens to send', async () => {
    const open = access({ isOpen: true })
    expect(await rightsOf(open, undefined, 'a')).toEqual(RIGHTS)
    expect(await rightsOf(open, 'left-over-from-elsewhere', 'a')).toEqual(RIGHTS)
    expect((await open.ambientGrant(undefined)).isAnonymous).toBe(true)
  })
})

describe('a cookie', () => {
  test('that is a publish key may do everything', async () => {
    const grant = await access({ publishKeys: [KEY] }).ambientGrant(KEY)
    expect(RIGHTS.filter((right) => allows(grant, right, 'a'))).toEqual(RIGHTS)
  })

  test('that is stale counts for nothing: it locks no browser out of what anybody may do', async () => {
    const open = access({ publishKeys: [KEY], publicChannels: patterns('news') })
    for (const cookie of ['', 'stale']) {
      const grant = await open.ambientGrant(cookie)
      expect(allows(grant, 'subscribe', 'news')).toBe(true)
      expect(allows(grant, 'subscribe', 'other')).toBe(false)
      expect(allows(grant, 'publish', 'news')).toBe(false)
    }
  })
})

describe('where a right is missing', () => {
  test('without a token it is 401, naming the channel', async () => {
    const grant = await access({ publishKeys: [KEY] }).ambientGrant(undefined)
    expect(() => {
      requireRight(grant, 'publish', 'orders.42')
    }).toThrow(
      expect.objectContaining({ statusCode: 401, message: expect.stringContaining('orders.42') }),
    )
  })

  test('with one it is 403, naming the channel', async () => {
    const grant = {
      scope: 'alice',
      isAnonymous: false,
      rights: { subscribe: patterns('orders.*'), publish: [], inspect: [] },
      endsAtMs: Number.POSITIVE_INFINITY,
    }
    requireRight(grant, 'subscribe', 'orders.42')
    expect(() => {
      requireRight(grant, 'publish', 'orders.42')
    }).toThrow(
      expect.objectContaining({ statusCode: 403, message: expect.stringContaining('orders.42') }),
    )
  })
})
