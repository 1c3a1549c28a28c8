import { describe, expect, test } from 'vitest'
import { Access, type AccessOptions, requireRight } from '../../src/auth/access.ts'
import { type Pattern, parsePattern } from '../../src/auth/channel-pattern.ts'
import { allows, allowsAll, type Right } from '../../src/auth/grant.ts'

const KEY = 'a-publish-key-of-24-char'
const RIGHTS: readonly Right[] = ['subscribe', 'publish', 'inspect']

function patterns(...texts: readonly string[]): Pattern[] {
  return texts.map((text) => parsePattern(text)!)
}

function access(options: Partial<AccessOptions> = {}): Access {
  return new Access({
    publishKeys: [],
    anonymous: { subscribe: false, publish: false },
    publicChannels: [],
    isOpen: false,
    ...options,
  })
}

/** What a token, or a request without, may do on a channel. */
function rightsOf(of: Access, token: string | undefined, channel: string): Right[] {
  const grant = token === undefined ? of.ambientGrant(undefined) : of.grantFor(token)
  return RIGHTS.filter((right) => allows(grant, right, channel))
}

describe('a publish key', () => {
  test('may do everything everywhere', () => {
    const keys = access({ publishKeys: [KEY] })
    expect(rightsOf(keys, KEY, 'a.b.c')).toEqual(RIGHTS)
    expect(RIGHTS.every((right) => allowsAll(keys.grantFor(KEY), right))).toBe(true)
    expect(keys.grantFor(KEY).isAnonymous).toBe(false)
  })

  test('keys share one scope of idempotency', () => {
    const keys = access({ publishKeys: [KEY, `${KEY}2`] })
    expect(keys.grantFor(KEY).scope).toBe(keys.grantFor(`${KEY}2`).scope)
  })

  test.each(['', 'wrong', KEY.slice(1)])('a token that is none is refused: %j', (token) => {
    expect(() => access({ publishKeys: [KEY] }).grantFor(token)).toThrow(
      expect.objectContaining({ code: 'PIAZZA_ERR_UNAUTHORIZED', statusCode: 401 }),
    )
  })

  test('a bad token is refused also where none is needed: a client believes it has more', () => {
    const anonymous = { subscribe: true, publish: true }
    expect(() => access({ publishKeys: [KEY], anonymous }).grantFor('wrong')).toThrow(/token/)
  })

  test('the refusal does not repeat the token', () => {
    expect(() => access({ publishKeys: [KEY] }).grantFor('a-secret-typo')).not.toThrow(
      /a-secret-typo/,
    )
  })
})

describe('without a token', () => {
  test('closed: nothing', () => {
    expect(rightsOf(access({ publishKeys: [KEY] }), undefined, 'a')).toEqual([])
  })

  test('PIAZZA_ANONYMOUS=subscribe: subscribe everywhere', () => {
    const open = access({ anonymous: { subscribe: true, publish: false } })
    expect(rightsOf(open, undefined, 'a.b')).toEqual(['subscribe'])
  })

  test('PIAZZA_ANONYMOUS=publish,subscribe: both, and no inspecting', () => {
    const open = access({ anonymous: { subscribe: true, publish: true } })
    expect(rightsOf(open, undefined, 'a.b')).toEqual(['subscribe', 'publish'])
    expect(open.ambientGrant(undefined).isAnonymous).toBe(true)
  })

  test('PIAZZA_PUBLIC_CHANNELS: subscribe to these only', () => {
    const open = access({ publishKeys: [KEY], publicChannels: patterns('news', 'scores.*') })
    expect(rightsOf(open, undefined, 'news')).toEqual(['subscribe'])
    expect(rightsOf(open, undefined, 'scores.1')).toEqual(['subscribe'])
    expect(rightsOf(open, undefined, 'scores.1.x')).toEqual([])
    expect(rightsOf(open, undefined, 'other')).toEqual([])
    expect(allowsAll(open.ambientGrant(undefined), 'subscribe')).toBe(false)
  })

  test('open mode: everything, whatever token a client happens to send', () => {
    const open = access({ isOpen: true })
    expect(rightsOf(open, undefined, 'a')).toEqual(RIGHTS)
    expect(rightsOf(open, 'left-over-from-elsewhere', 'a')).toEqual(RIGHTS)
    expect(open.ambientGrant(undefined).isAnonymous).toBe(true)
  })
})

describe('a cookie', () => {
  test('that is a publish key may do everything', () => {
    const grant = access({ publishKeys: [KEY] }).ambientGrant(KEY)
    expect(RIGHTS.filter((right) => allows(grant, right, 'a'))).toEqual(RIGHTS)
  })

  test('that is stale counts for nothing: it locks no browser out of what anybody may do', () => {
    const open = access({ publishKeys: [KEY], publicChannels: patterns('news') })
    for (const cookie of ['', 'stale']) {
      expect(allows(open.ambientGrant(cookie), 'subscribe', 'news')).toBe(true)
      expect(allows(open.ambientGrant(cookie), 'subscribe', 'other')).toBe(false)
      expect(allows(open.ambientGrant(cookie), 'publish', 'news')).toBe(false)
    }
  })
})

describe('where a right is missing', () => {
  test('without a token it is 401, naming the channel', () => {
    const grant = access({ publishKeys: [KEY] }).ambientGrant(undefined)
    expect(() => {
      requireRight(grant, 'publish', 'orders.42')
    }).toThrow(
      expect.objectContaining({ statusCode: 401, message: expect.stringContaining('orders.42') }),
    )
  })

  test('with one it is 403, naming the channel', () => {
    const grant = {
      scope: 'alice',
      isAnonymous: false,
      rights: { subscribe: patterns('orders.*'), publish: [], inspect: [] },
    }
    requireRight(grant, 'subscribe', 'orders.42')
    expect(() => {
      requireRight(grant, 'publish', 'orders.42')
    }).toThrow(
      expect.objectContaining({ statusCode: 403, message: expect.stringContaining('orders.42') }),
    )
  })
})
