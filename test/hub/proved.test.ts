import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Proved } from '../../src/hub/proved.ts'

test('a page from behind what was proved says nothing of what lies between', () => {
  const proved = new Proved()
  proved.add(0, 10)
  proved.add(20, 30)
  const had = [10, 11, 20, 21, 30, 31].filter((position) => proved.has(position))
  expect(had).toEqual([10, 21, 30])
  expect(proved.upTo).toBe(10)
})

test('pages that follow one another are one, and what closes the hole before them joins all', () => {
  const proved = new Proved()
  proved.add(0, 10)
  proved.add(20, 30)
  proved.add(30, 40)
  proved.add(50, 60)
  proved.add(0, 20)
  expect(proved.upTo).toBe(40)
  expect(proved.has(45)).toBe(false)
  expect(proved.has(55)).toBe(true)
  proved.add(40, 50)
  expect(proved.upTo).toBe(60)
})

test('a range is covered by one page, and not by its end alone', () => {
  const proved = new Proved()
  proved.add(0, 10)
  proved.add(20, 30)
  expect(proved.covers(5, 10)).toBe(true)
  expect(proved.covers(20, 30)).toBe(true)
  expect(proved.covers(15, 25)).toBe(false)
  expect(proved.covers(25, 31)).toBe(false)
})

test('of more pages than 16 the oldest is forgotten', () => {
  const proved = new Proved()
  for (let i = 1; i <= 17; i += 1) proved.add(i * 10, i * 10 + 5)
  expect([15, 25, 175].filter((position) => proved.has(position))).toEqual([25, 175])
})

test('it has what some range has, whatever their order', () => {
  const position = fc.integer({ min: 0, max: 60 })
  const range = fc
    .tuple(position, position)
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (ranges) => {
      const proved = new Proved()
      for (const [after, to] of ranges) proved.add(after, to)
      for (let one = 1; one <= 61; one += 1) {
        const expected = ranges.some(([after, to]) => one > after && one <= to)
        expect(proved.has(one), `${one}`).toBe(expected)
      }
    }),
  )
})
