import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Log } from '../../src/log/log.ts'
import { createDeletion, type Message } from '../../src/log/message.ts'
import {
  beforeFirst,
  firstAfter,
  floorsAtBases,
  floorsOfNewest,
  readAfter,
} from '../../src/log/read.ts'
import { messageAt } from '../support/messages.ts'

const ALL = Number.MAX_SAFE_INTEGER

/** Logs `a`, `b`, … from position 0 with messages; those that stand in several are of several channels. */
function logsOf(...positions: readonly (readonly number[])[]): Log[] {
  const messages = new Map(positions.flat().map((position) => [position, messageAt(position)]))
  return positions.map((own, i) => {
    const log = new Log('abcdef'.charAt(i), 0)
    for (const position of own) log.append(messages.get(position)!)
    return log
  })
}

function positionsOf(messages: readonly Message[]): number[] {
  return messages.map(({ position }) => position)
}

describe('reading', () => {
  test('merges all logs in the order of positions', () => {
    const { messages, end, hasMore } = readAfter(logsOf([1, 4, 5], [2, 7], [3, 6]), 0, ALL)
    expect(positionsOf(messages)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect({ end, hasMore }).toEqual({ end: 7, hasMore: false })
  })

  test('begins behind the position', () => {
    const { messages } = readAfter(logsOf([1, 4, 5], [2, 7]), 4, ALL)
    expect(positionsOf(messages)).toEqual([5, 7])
  })

  test('a message of several channels is read once', () => {
    const logs = logsOf([1, 3, 5], [1, 2, 5], [1, 5, 6])
    expect(positionsOf(readAfter(logs, 0, ALL).messages)).toEqual([1, 2, 3, 5, 6])
  })

  test('of nothing ends where it began', () => {
    expect(readAfter(logsOf([1], []), 1, ALL)).toEqual({ messages: [], end: 1, hasMore: false })
    expect(readAfter([], 9, ALL)).toEqual({ messages: [], end: 9, hasMore: false })
  })

  test('takes at most the bytes given, and says that there is more', () => {
    const logs = logsOf([1, 2, 3], [4])
    const each = logs[0]!.at(0)!.frame.length
    const { messages, end, hasMore } = readAfter(logs, 0, 2 * each)
    expect({ positions: positionsOf(messages), end, hasMore }).toEqual({
      positions: [1, 2],
      end: 2,
      hasMore: true,
    })
    expect(readAfter(logs, 0, 3 * each - 1).end).toBe(2)
    expect(readAfter(logs, 0, 4 * each).hasMore).toBe(false)
  })

  test('takes one message, however large', () => {
    const log = new Log('a', 0)
    log.append(messageAt(1, { data: 'x'.repeat(1e6) }))
    log.append(messageAt(2))
    expect(readAfter([log], 0, 1)).toMatchObject({ end: 1, hasMore: true })
  })

  test('the rest of a message of several channels is no more to read', () => {
    const logs = logsOf([1, 2], [2])
    expect(readAfter(logs, 0, ALL).hasMore).toBe(false)
    expect(readAfter(logs, 1, 1)).toMatchObject({ end: 2, hasMore: false })
  })

  test('begins behind the floor of each log, where that is later', () => {
    const logs = logsOf([1, 3, 5], [2, 4, 6])
    expect(positionsOf(readAfter(logs, 1, ALL, [4, 0]).messages)).toEqual([2, 4, 5, 6])
    expect(positionsOf(readAfter(logs, 5, ALL, [4, 0]).messages)).toEqual([6])
  })

  test('a message below the floor of one of its channels comes by the other', () => {
    const logs = logsOf([1, 3], [1, 2])
    expect(positionsOf(readAfter(logs, 0, ALL, [1, 0]).messages)).toEqual([1, 2, 3])
  })

  test('gives the mark of a deletion in its place', () => {
    const logs = logsOf([1, 3], [])
    logs[1]!.append(createDeletion(['b'], 2))
    expect(positionsOf(readAfter(logs, 0, ALL).messages)).toEqual([1, 2, 3])
  })
})

describe('reading batch by batch', () => {
  const history = fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { maxLength: 60 })
  const world = fc.record({
    positions: history,
    owners: fc.array(fc.integer({ min: 1, max: 15 }), { minLength: 60, maxLength: 60 }),
    sizes: fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 60, maxLength: 60 }),
    after: fc.integer({ min: 0, max: 500 }),
    floors: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 4, maxLength: 4 }),
    maxBytes: fc.integer({ min: 1, max: 1000 }),
  })

  test('gives every message once and in order, within the bytes', () => {
    fc.assert(
      fc.property(world, ({ positions, owners, sizes, after, floors, maxBytes }) => {
        const logs = [0, 1, 2, 3].map((i) => new Log('abcd'.charAt(i), 0))
        const expected: number[] = []
        positions.sort((a, b) => a - b)
        positions.forEach((position, i) => {
          const own = logs.filter((_, bit) => ((owners[i]! >> bit) & 1) === 1)
          const channels = own.map(({ channel }) => channel)
          const message = messageAt(position, { channels, data: 'x'.repeat(sizes[i]!) })
          for (const log of own) log.append(message)
          const isWanted = own.some((log) => position > Math.max(after, floors[logs.indexOf(log)]!))
          if (isWanted) expected.push(position)
        })
        const read: number[] = []
        for (let cursor = after, hasMore = true; hasMore;) {
          const batch = readAfter(logs, cursor, maxBytes, floors)
          const bytes = batch.messages.reduce((sum, { frame }) => sum + frame.length, 0)
          if (batch.messages.length > 1) expect(bytes).toBeLessThanOrEqual(maxBytes)
          if (batch.hasMore) expect(batch.messages.length).toBeGreaterThan(0)
          expect(batch.end).toBe(batch.messages.at(-1)?.position ?? cursor)
          read.push(...positionsOf(batch.messages))
          cursor = batch.end
          hasMore = batch.hasMore
        }
        expect(read).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })
})

describe('floors', () => {
  test('at the bases: what is retained is all there is', () => {
    const logs = logsOf([1, 3, 5], [2])
    logs[0]!.dropOldest()
    expect(floorsAtBases(logs)).toEqual([1, 0])
  })

  test.each([
    [1, [3, 2]],
    [2, [1, 2]],
    [3, [0, 2]],
    [1000, [0, 2]],
  ])('of the newest %d of each channel', (count, floors) => {
    const logs = logsOf([1, 3, 5], [2, 4])
    logs[1]!.dropOldest()
    expect(floorsOfNewest(logs, count)).toEqual(floors)
  })

  test('of the newest of an empty log is its base', () => {
    expect(floorsOfNewest([new Log('a', 7)], 3)).toEqual([7])
  })
})

describe('the first that follows', () => {
  test('is the earliest of all logs', () => {
    const logs = logsOf([1, 5], [2, 4])
    expect([firstAfter(logs, 0), firstAfter(logs, 2), firstAfter(logs, 5)]).toEqual([
      1,
      4,
      undefined,
    ])
    expect([beforeFirst(logs, 0), beforeFirst(logs, 2), beforeFirst(logs, 5)]).toEqual([
      0,
      3,
      undefined,
    ])
  })

  test('counts from the floors', () => {
    expect(firstAfter(logsOf([1, 5], [2, 4]), 0, [1, 2])).toBe(4)
  })

  test('is never a deletion: there is nothing to send', () => {
    const logs = logsOf([], [9])
    logs[0]!.append(createDeletion(['a'], 3))
    expect(firstAfter(logs, 0)).toBe(9)
    expect(beforeFirst([logs[0]!], 0)).toBeUndefined()
  })
})
