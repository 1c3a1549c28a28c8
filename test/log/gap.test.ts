import { describe, expect, test } from 'vitest'
import { findGap } from '../../src/log/gap.ts'
import { Log } from '../../src/log/log.ts'
import { createDeletion } from '../../src/log/message.ts'
import { messageAt } from '../support/messages.ts'

const CLOCK = 1000

/** A log that had messages at these positions and has dropped the oldest of them. */
function logOf(channel: string, positions: readonly number[], dropped = 0): Log {
  const log = new Log(channel, 10)
  for (const position of positions) log.append(messageAt(position, { channels: [channel] }))
  for (let i = 0; i < dropped; i += 1) log.dropOldest()
  return log
}

function gapBehind(cursor: number, ...logs: readonly Log[]) {
  return findGap({ logs, cursor, floors: undefined, clock: CLOCK, after: cursor })
}

test('where nothing was dropped there is no gap', () => {
  expect(gapBehind(10, logOf('a', [20, 30]), logOf('b', []))).toBeUndefined()
})

test('whoever has the newest dropped message misses nothing', () => {
  const log = logOf('a', [20, 30, 40], 2)
  expect(gapBehind(30, log)).toBeUndefined()
  expect(gapBehind(29, log)).toMatchObject({ reason: 'evicted', channels: ['a'] })
})

test('the gap stands just below the first message that follows', () => {
  expect(gapBehind(15, logOf('a', [20, 30, 40], 1))).toEqual({
    reason: 'evicted',
    channels: ['a'],
    after: 15,
    position: 29,
  })
})

test('if nothing follows it stands at the current position', () => {
  expect(gapBehind(15, logOf('a', [20], 1))?.position).toBe(CLOCK)
})

test('one gap names all channels with a hole, and only them', () => {
  const logs = [logOf('a', [20, 50], 1), logOf('b', [25, 40]), logOf('c', [30], 1)]
  expect(gapBehind(12, ...logs)).toMatchObject({ channels: ['a', 'c'], position: 24 })
})

test('it stands below everything that follows, also of channels without a hole', () => {
  const logs = [logOf('a', [20, 90], 1), logOf('b', [30])]
  expect(gapBehind(15, ...logs)?.position).toBe(29)
})

test('a floor says what has been told before', () => {
  const logs = [logOf('a', [20, 30], 1), logOf('b', [25, 35], 1)]
  const reading = { logs, cursor: 15, clock: CLOCK, after: 15 }
  expect(findGap({ ...reading, floors: [20, 25] })).toBeUndefined()
  expect(findGap({ ...reading, floors: [20, 0] })?.channels).toEqual(['b'])
})

describe('a deleted channel has no hole', () => {
  test('its owner dropped it, and its end says so', () => {
    const log = logOf('a', [20, 30])
    log.clear()
    log.append(createDeletion(['a'], 40))
    expect(gapBehind(15, log)).toBeUndefined()
  })

  test('but others have theirs', () => {
    const deleted = logOf('a', [20])
    deleted.clear()
    deleted.append(createDeletion(['a'], 40))
    expect(gapBehind(15, deleted, logOf('b', [25], 1))).toMatchObject({
      channels: ['b'],
      position: CLOCK,
    })
  })
})
