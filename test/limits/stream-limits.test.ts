import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  type Asker,
  type Place,
  type StreamLimitOptions,
  StreamLimits,
} from '../../src/limits/stream-limits.ts'

const OFF = { perAddress: 0, perSubject: 0, perChannel: 0, rate: 0, ratePerAddress: 0 }
const NAMES = ['a', 'b', 'c']

interface Open {
  readonly asker: Asker
  readonly channels: readonly string[]
  readonly place: Place | undefined
}

function isFull(open: readonly Open[], limit: number, counts: (one: Open) => boolean): boolean {
  return limit > 0 && open.filter(counts).length >= limit
}

/** What must be refused, found the slow way. */
function expectedReason(open: readonly Open[], asker: Asker, channels: readonly string[]) {
  return (limits: StreamLimitOptions): string | undefined => {
    const { perAddress, perSubject, perChannel } = limits
    if (isFull(open, perAddress, (one) => one.asker.address === asker.address)) {
      return 'max-streams-per-ip'
    }
    const { subject } = asker
    if (subject !== undefined && isFull(open, perSubject, (one) => one.asker.subject === subject)) {
      return 'max-streams-per-subject'
    }
    const isCrowded = (name: string) =>
      isFull(open, perChannel, (one) => one.channels.includes(name))
    return channels.some(isCrowded) ? 'max-streams-per-channel' : undefined
  }
}

describe('places', () => {
  test('are taken and given back exactly, whatever comes and goes', () => {
    const limit = fc.constantFrom(0, 1, 2, 3)
    const options = fc.record({ perAddress: limit, perSubject: limit, perChannel: limit })
    const name = fc.constantFrom(...NAMES)
    const subscribe = fc.record({
      address: name,
      subject: fc.option(name, { nil: undefined }),
      channels: fc.uniqueArray(name, { minLength: 1 }),
    })
    const leave = fc.nat()
    fc.assert(
      fc.property(options, fc.array(fc.oneof(subscribe, leave)), (given, steps) => {
        const chosen = { ...OFF, ...given }
        const limits = new StreamLimits(chosen)
        const open: Open[] = []
        for (const step of steps) {
          if (typeof step === 'number') {
            const [gone] = open.splice(step % Math.max(1, open.length), 1)
            gone?.place?.leave()
            continue
          }
          const { channels, ...asker } = step
          const reason = limits.refuse(asker, channels)
          expect(reason).toBe(expectedReason(open, asker, channels)(chosen))
          if (reason === undefined) {
            open.push({ asker, channels, place: limits.occupy(asker, channels) })
          }
        }
        for (const { place } of open) place?.leave()
        expect(limits.size).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  test('cost nothing where there are no limits', () => {
    const limits = new StreamLimits(OFF)
    expect(limits.occupy({ address: 'a', subject: 'b' }, NAMES)).toBeUndefined()
    expect(limits.size).toBe(0)
    expect(limits.countsAddresses).toBe(false)
  })
})

const ask = (limits: StreamLimits, address: string) =>
  limits.refuse({ address, subject: undefined }, ['a'])

/** How many of so many are taken. */
const askOften = (limits: StreamLimits, address: string, times: number) =>
  Array.from({ length: times }, () => ask(limits, address)).filter((it) => it === undefined).length

describe('rates', () => {
  test('let a second of them through at once, and then as many a second', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const limits = new StreamLimits({ ...OFF, rate: 10 })
      expect(askOften(limits, 'a', 30)).toBe(10)
      expect(ask(limits, 'b')).toBe('stream-rate')
      vi.advanceTimersByTime(500)
      expect(askOften(limits, 'a', 30)).toBe(5)
      vi.advanceTimersByTime(60_000)
      expect(askOften(limits, 'a', 30)).toBe(10)
    } finally {
      vi.useRealTimers()
    }
  })

  test('count each address by itself', () => {
    const limits = new StreamLimits({ ...OFF, ratePerAddress: 2 })
    expect(askOften(limits, 'a', 5)).toBe(2)
    expect(ask(limits, 'a')).toBe('stream-rate-per-ip')
    expect(askOften(limits, 'b', 5)).toBe(2)
  })

  test('one who is refused by one takes nothing off the other', () => {
    const limits = new StreamLimits({ ...OFF, rate: 3, ratePerAddress: 2 })
    expect(askOften(limits, 'a', 100)).toBe(2) // refused as one address: the process has one left
    expect(ask(limits, 'b')).toBeUndefined()
    expect(ask(limits, 'b')).toBe('stream-rate')
  })

  test('one who is refused for its places takes nothing off them', () => {
    const limits = new StreamLimits({ ...OFF, perAddress: 1, rate: 2 })
    limits.refuse({ address: 'a', subject: undefined }, ['a'])
    limits.occupy({ address: 'a', subject: undefined }, ['a'])
    for (let i = 0; i < 10; i += 1) expect(ask(limits, 'a')).toBe('max-streams-per-ip')
    expect(ask(limits, 'b')).toBeUndefined()
    expect(ask(limits, 'b')).toBe('stream-rate')
  })
})
