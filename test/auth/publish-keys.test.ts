import { describe, expect, test } from 'vitest'
import { PublishKeys } from '../../src/auth/publish-keys.ts'

const OLD = 'old-key-0123456789'
const NEW = 'new-key-0123456789'

describe('publish keys', () => {
  test('each of several is good, and has a name of its own that does not tell it', () => {
    const keys = new PublishKeys([OLD, NEW])
    const names = [keys.nameOf(OLD), keys.nameOf(NEW)]
    expect(new Set([...names, undefined]).size).toBe(3)
    expect(keys.nameOf(OLD)).toBe(names[0])
    expect(names.join()).not.toContain('key')
  })

  test.each([
    '',
    OLD.slice(0, -1),
    `${OLD}x`,
    ` ${OLD}`,
    OLD.toUpperCase(),
    `${OLD},${NEW}`,
    'x'.repeat(1e6),
    '\ud800',
  ])('another token is not: %j', (token) => {
    expect(new PublishKeys([OLD, NEW]).nameOf(token)).toBeUndefined()
  })

  test('without keys no token is good, not even the empty one', () => {
    expect(new PublishKeys([]).nameOf('')).toBeUndefined()
  })
})
