import { describe, expect, test } from 'vitest'
import { Log, type LogLimits } from '../../src/log/log.ts'
import { createDeletion } from '../../src/log/message.ts'
import { messageAt } from '../support/messages.ts'

const NO_LIMITS: LogLimits = { maxMessages: 1e9, maxAgeMs: 1e9, maxBytes: 1e9 }
const SECOND = 1_000_000

/** A log from position 100 with messages at these positions. */
function logOf(...positions: readonly number[]): Log {
  const log = new Log('a', 100)
  for (const position of positions) log.append(messageAt(position))
  return log
}

function positionsOf(log: Log): number[] {
  return Array.from({ length: log.length }, (_, i) => log.at(i)!.position)
}

describe('a new log', () => {
  test('is complete from its base on', () => {
    const log = logOf()
    expect(log).toMatchObject({ base: 100, end: 100, length: 0, bytes: 0, memory: 0 })
    expect(log.newest).toBeUndefined()
    expect(log.endedAt).toBeUndefined()
    expect(log.indexAfter(0)).toBe(0)
    expect(log.at(0)).toBeUndefined()
  })

  test('has nothing to drop', () => {
    const log = logOf()
    log.dropOldest()
    log.clear()
    log.trim(NO_LIMITS, 1e15)
    expect(log).toMatchObject({ base: 100, end: 100, length: 0, bytes: 0 })
  })
})

describe('base, end and indexes', () => {
  test('appending moves the end only', () => {
    expect(logOf(110, 120)).toMatchObject({ base: 100, end: 120, length: 2 })
  })

  test('a dropped message becomes the base: whoever had it misses nothing', () => {
    const log = logOf(110, 120, 130)
    log.dropOldest()
    expect(log).toMatchObject({ base: 110, end: 130, length: 2 })
    expect(positionsOf(log)).toEqual([120, 130])
  })

  test('the end outlives its message', () => {
    const log = logOf(110)
    log.dropOldest()
    expect(log).toMatchObject({ base: 110, end: 110, length: 0, bytes: 0, memory: 0 })
    expect(log.newest).toBeUndefined()
  })

  test.each([
    [0, 0],
    [100, 0],
    [109, 0],
    [110, 1],
    [111, 1],
    [120, 2],
    [129, 2],
    [130, 3],
    [999, 3],
  ])('what is later than %d begins at index %d', (position, index) => {
    expect(logOf(110, 120, 130).indexAfter(position)).toBe(index)
  })

  test('there is nothing outside', () => {
    const log = logOf(110, 120)
    log.dropOldest()
    expect([log.at(-1), log.at(1), log.at(0)?.position]).toEqual([undefined, undefined, 120])
  })
})

describe('bounds', () => {
  test('by messages: the oldest go', () => {
    const log = logOf(101, 102, 103, 104, 105)
    log.trim({ ...NO_LIMITS, maxMessages: 2 }, 105)
    expect(positionsOf(log)).toEqual([104, 105])
    expect(log.base).toBe(103)
  })

  test('by bytes of frames', () => {
    const log = new Log('a', 0)
    for (const position of [1, 2, 3]) log.append(messageAt(position, { data: 'x'.repeat(1000) }))
    const each = log.bytes / 3
    log.trim({ ...NO_LIMITS, maxBytes: 2 * each }, 3)
    expect(positionsOf(log)).toEqual([2, 3])
    log.trim({ ...NO_LIMITS, maxBytes: 2 * each - 1 }, 3)
    expect(positionsOf(log)).toEqual([3])
  })

  test('the newest message always stays, however large', () => {
    const log = logOf(101, 102)
    log.append(messageAt(103, { data: 'x'.repeat(1e6) }))
    log.trim({ ...NO_LIMITS, maxBytes: 1 }, 103)
    expect(positionsOf(log)).toEqual([103])
  })

  test('by age: also the newest', () => {
    const log = new Log('a', 0)
    for (const position of [1, 2, 3]) log.append(messageAt(position * SECOND))
    const limits = { ...NO_LIMITS, maxAgeMs: 1000 }
    log.trim(limits, 3 * SECOND)
    expect(positionsOf(log)).toEqual([2 * SECOND, 3 * SECOND])
    log.trim(limits, 4 * SECOND + 1)
    expect(log).toMatchObject({ length: 0, base: 3 * SECOND, end: 3 * SECOND })
  })

  test('within them nothing is dropped', () => {
    const log = logOf(101, 102, 103)
    log.trim({ maxMessages: 3, maxAgeMs: 1, maxBytes: log.bytes }, 103)
    expect(log).toMatchObject({ length: 3, base: 100 })
  })
})

describe('thousands of drops', () => {
  test('leave every index right', () => {
    const log = new Log('a', 0)
    for (let position = 1; position <= 20_000; position += 1) {
      log.append(messageAt(position))
      log.trim({ ...NO_LIMITS, maxMessages: 100 }, position)
      if (position < 200 || position % 997 === 0) {
        const oldest = Math.max(1, position - 99)
        expect(log.length).toBe(position - oldest + 1)
        expect(log.base).toBe(oldest - 1)
        expect(log.at(0)?.position).toBe(oldest)
        expect(log.at(log.length - 1)?.position).toBe(position)
        expect(log.at(log.length)).toBeUndefined()
        expect(log.indexAfter(oldest + 7)).toBe(Math.min(8, log.length))
      }
    }
  })

  test('cost no more each when there are many', () => {
    const log = new Log('a', 0)
    for (let position = 1; position <= 200_000; position += 1) log.append(messageAt(position))
    const startedMs = performance.now()
    for (let position = 1; position < 200_000; position += 1) log.dropOldest()
    expect(performance.now() - startedMs).toBeLessThan(2000) // 50 ms; a shift of the rest each time takes minutes
    expect(positionsOf(log)).toEqual([200_000])
    log.append(messageAt(200_001))
    expect(positionsOf(log)).toEqual([200_000, 200_001])
  })

  test('count bytes back to nothing', () => {
    const log = new Log('a', 0)
    for (let position = 1; position <= 3000; position += 1) {
      log.append(messageAt(position, { data: 'é'.repeat(position % 50) }))
      if (position % 3 === 0) log.dropOldest()
    }
    expect(log.memory).toBeGreaterThan(log.bytes)
    log.clear()
    expect(log).toMatchObject({ length: 0, bytes: 0, memory: 0, base: 3000 })
  })
})

describe('ends', () => {
  test('the end is the position of the message that said so', () => {
    const log = logOf(110)
    log.append(messageAt(120, { isEnd: true }))
    expect(log).toMatchObject({ endedAt: 120, isDeleted: false })
  })

  test('it is remembered until it is too old, also where its message had to make room', () => {
    const log = logOf()
    log.append(messageAt(120, { isEnd: true }))
    log.dropOldest()
    expect(log).toMatchObject({ length: 0, endedAt: 120 })
    const limits = { ...NO_LIMITS, maxAgeMs: 1 }
    log.trim(limits, 1120)
    expect(log.endedAt).toBe(120)
    log.trim(limits, 1121)
    expect(log.endedAt).toBeUndefined()
  })

  test.each<[string, (log: Log) => void]>([
    ['a message follows', (log) => log.append(messageAt(130))],
    ['it is emptied', (log) => log.clear()],
    ['it begins anew', (log) => log.restart(130)],
  ])('it is over when %s', (_name, change) => {
    const log = logOf()
    log.append(messageAt(120, { isEnd: true }))
    change(log)
    expect(log.endedAt).toBeUndefined()
  })

  test('it may be told without its message', () => {
    const log = logOf(110)
    log.close(110)
    expect(log).toMatchObject({ endedAt: 110, isDeleted: false, length: 1 })
  })

  test('a deletion ends it too', () => {
    const log = logOf(110)
    log.clear()
    log.append(createDeletion(['a'], 130))
    expect(log).toMatchObject({ endedAt: 130, isDeleted: true, length: 1, bytes: 0 })
  })

  test('nothing is missed with a deletion: its mark does not raise the base', () => {
    const log = logOf()
    log.append(createDeletion(['a'], 130))
    log.dropOldest()
    expect(log).toMatchObject({ base: 100, length: 0, messageCount: 0, isDeleted: true })
  })

  test('the mark of a deletion does not age: its broker times it', () => {
    const log = logOf()
    log.append(createDeletion(['a'], 130))
    log.trim({ ...NO_LIMITS, maxAgeMs: 1 }, 1e15)
    expect(log.isDeleted).toBe(true)
  })
})
