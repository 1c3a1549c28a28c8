import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Quota } from '../../src/limits/publish-limits.ts'
import { MAX_REMEMBERED_RATES, Rates } from '../../src/limits/rates.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const takeOften = (quota: Quota, times: number, bytes = 0) =>
  Array.from({ length: times }, () => quota.take(bytes)).filter((it) => it === undefined).length

describe('a quota', () => {
  test('of messages lets a second of them through, and then as many a second', () => {
    const quota = new Quota({ messages: 10, bytes: 0 })
    expect(takeOften(quota, 30)).toBe(10)
    expect(quota.take(0)).toBe('messages')
    expect(quota.retrySeconds).toBe(1)
    vi.advanceTimersByTime(300)
    expect(takeOften(quota, 30)).toBe(3)
  })

  test('of bytes takes a body while something is left, and the next waits until it is paid for', () => {
    const quota = new Quota({ messages: 0, bytes: 1000 })
    expect(quota.take(999)).toBeUndefined()
    expect(quota.take(4000)).toBeUndefined()
    expect(quota.take(1)).toBe('bytes')
    expect(quota.retrySeconds).toBe(4)
    vi.advanceTimersByTime(3990)
    expect(quota.take(1)).toBe('bytes')
    vi.advanceTimersByTime(20)
    expect(quota.take(1)).toBeUndefined()
  })

  test('of a batch that owes holds over time: 1000 messages at 100/s are ten seconds', () => {
    const quota = new Quota({ messages: 100, bytes: 0 })
    expect(quota.take(0)).toBeUndefined()
    quota.owe(999, 0)
    expect(quota.take(0)).toBe('messages')
    expect(quota.retrySeconds).toBe(10)
    vi.advanceTimersByTime(9000)
    expect(quota.take(0)).toBe('messages')
    vi.advanceTimersByTime(20)
    expect(quota.take(0)).toBeUndefined()
  })

  test('that refuses takes nothing off', () => {
    const quota = new Quota({ messages: 5, bytes: 1000 })
    expect(quota.take(1000)).toBeUndefined()
    expect(takeOften(quota, 100, 500)).toBe(0)
    expect(quota.left).toEqual([
      { kind: 'messages', remaining: 4, fullSeconds: 1 },
      { kind: 'bytes', remaining: 0, fullSeconds: 1 },
    ])
  })
})

test('rates are remembered for a bounded number of names: who came longest ago is forgotten', () => {
  const rates = new Rates(() => ({}), 3)
  const [first, second] = [rates.of('a'), rates.of('b')]
  rates.of('c')
  expect(rates.of('a')).toBe(first)
  rates.of('d')
  expect(rates.size).toBe(3)
  expect(rates.of('a')).toBe(first)
  expect(rates.of('b')).not.toBe(second)
})

test('by default a hundred thousand', () => {
  const rates = new Rates(() => ({}))
  for (let i = 0; i < MAX_REMEMBERED_RATES + 1000; i += 1) rates.of(`${i}`)
  expect(rates.size).toBe(MAX_REMEMBERED_RATES)
})
