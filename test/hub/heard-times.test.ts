import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { HeardTimes } from '../../src/hub/heard-times.ts'

let nowMs = 0

beforeEach(() => {
  nowMs = 1000
  const now = vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  onTestFinished(() => {
    now.mockRestore()
  })
})

/** Notes `count` positions 10, 20, 30 …, one every `stepMs`. */
function note(count: number, stepMs: number): HeardTimes {
  const heard = new HeardTimes()
  for (let i = 1; i <= count; i += 1) {
    heard.note(i * 10)
    nowMs += stepMs
  }
  return heard
}

test('each has the time at which it was heard, whatever its position says', () => {
  const heard = note(100, 7)
  for (const i of [1, 2, 57, 100]) expect(heard.timeOf(i * 10)).toBe(1000 + (i - 1) * 7)
})

test('what comes within half a millisecond shares the time of the first', () => {
  const heard = note(20, 0.125)
  expect(Array.from({ length: 9 }, (_, i) => heard.timeOf((i + 1) * 10))).toEqual([
    1000, 1000, 1000, 1000, 1000.5, 1000.5, 1000.5, 1000.5, 1001,
  ])
})

test('one that is late, or comes again, moves no other', () => {
  const heard = note(3, 5)
  heard.note(25)
  heard.note(30)
  nowMs += 5
  heard.note(40)
  expect([10, 20, 25, 30, 40].map((position) => heard.timeOf(position))).toEqual([
    1000, 1005, 1010, 1010, 1020,
  ])
})

test('at full speed it reaches back 8 s, and beyond that says no less', () => {
  const heard = note(100_000, 0.5)
  const age = (i: number) => nowMs - heard.timeOf(i * 10)
  expect(age(100_000)).toBe(0.5)
  expect(age(90_000)).toBe(10_001 * 0.5)
  expect(age(1)).toBeGreaterThan(8000)
})
