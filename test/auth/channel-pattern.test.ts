import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matches, parsePattern } from '../../src/auth/channel-pattern.ts'

/** The rules of protocol §1, said in the slowest way: every split of the name is tried. */
function isMatch(pattern: readonly string[], name: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return name.length === 0
  if (name.length === 0) return false
  if (first === '**') {
    return name.some((_, i) => isMatch(rest, name.slice(i + 1)))
  }
  return (first === '*' || first === name[0]) && isMatch(rest, name.slice(1))
}

function matchesText(pattern: string, channel: string): boolean {
  const parsed = parsePattern(pattern)
  if (parsed === undefined) throw new Error(`${pattern} is no pattern`)
  return matches(parsed, channel)
}

describe('a pattern', () => {
  test.each([
    ['a', 'a'],
    ['a.b', 'a.b'],
    ['*', 'a'],
    ['a.*', 'a.b'],
    ['*.b', 'a.b'],
    ['a.*.c', 'a.b.c'],
    ['*.*', 'a.b'],
    ['**', 'a'],
    ['**', 'a.b.c'],
    ['a.**', 'a.b'],
    ['a.**', 'a.b.c.d'],
    ['*.**', 'a.b'],
    ['orders.42.*', 'orders.42.status'],
    ['user:1@x.*', 'user:1@x.y'],
  ])('%s reaches %s', (pattern, channel) => {
    expect(matchesText(pattern, channel)).toBe(true)
  })

  test.each([
    ['a', 'A'],
    ['a', 'b'],
    ['a', 'a.b'],
    ['a.b', 'a'],
    ['*', 'a.b'],
    ['a.*', 'a'],
    ['a.*', 'a.b.c'],
    ['a.*', 'b.a'],
    ['a.**', 'a'],
    ['a.**', 'ab.c'],
    ['*.**', 'a'],
    ['orders.42.*', 'orders.421.status'],
    ['orders.42.*', 'orders.42'],
    ['a.b', 'axb'],
  ])('%s does not reach %s', (pattern, channel) => {
    expect(matchesText(pattern, channel)).toBe(false)
  })

  test.each([
    '',
    '.',
    'a..b',
    '*.',
    '.*',
    'a*',
    '*a',
    '***',
    '**.a',
    'a.**.b',
    '**.**',
    'a.* ',
    'a,b',
    'a/*',
    'é',
    'x'.repeat(201),
  ])('%j is none', (text) => {
    expect(parsePattern(text)).toBeUndefined()
  })

  test('agrees with the rules said slowly', () => {
    const segment = fc.constantFrom('a', 'b', 'ab')
    const wild = fc.constantFrom<string[]>('a', 'b', '*', '*')
    const pattern = fc
      .tuple(fc.array(wild, { minLength: 1, maxLength: 5 }), fc.boolean())
      .map(([segments, hasRest]) => (hasRest ? segments.slice(1).concat('**') : segments))
    const name = fc.array(segment, { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(pattern, name, (segments, channel) => {
        const parsed = parsePattern(segments.join('.'))
        expect(parsed).toBeDefined()
        expect(matches(parsed!, channel.join('.'))).toBe(isMatch(segments, channel))
      }),
      { numRuns: 3000 },
    )
  })

  test('of 200 characters of many * takes no longer than another', () => {
    const startedMs = performance.now()
    const stars = Array.from({ length: 100 }, () => '*')
    const name = Array.from({ length: 100 }, () => 'a')
    for (let i = 0; i < 2000; i += 1) {
      expect(matchesText(stars.join('.'), name.join('.'))).toBe(true)
      expect(matchesText([...stars.slice(1), 'b'].join('.'), name.join('.'))).toBe(false)
      expect(matchesText([...stars.slice(2), '**'].join('.'), name.join('.'))).toBe(true)
      expect(matchesText([...stars, '**'].join('.').slice(4), name.slice(2).join('.'))).toBe(false)
    }
    expect(performance.now() - startedMs).toBeLessThan(5000)
  })
})
