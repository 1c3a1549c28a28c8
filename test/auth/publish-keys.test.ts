import { describe, expect, test } from 'vitest'
import { PublishKeys } from '../../src/auth/publish-keys.ts'

const OLD = 'old-key-0123456789'
const NEW = 'new-key-0123456789'

describe('publish keys', () => {
  test('each of several is good: keys are rotated', () => {
    const keys = new PublishKeys([OLD, NEW])
    expect([keys.has(OLD), keys.has(NEW)]).toEqual([true, true])
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
    expect(new PublishKeys([OLD, NEW]).has(token)).toBe(false)
  })

  test('without keys no token is good, not even the empty one', () => {
    expect(new PublishKeys([]).has('')).toBe(false)
  })
})
