import { describe, expect, test } from 'vitest'
import { type Announcement } from '../../src/broker/redis/announcement.ts'
import { EarlyMessages } from '../../src/broker/redis/early-messages.ts'
import { firstKnown, keepFirst, Lacking } from '../../src/broker/redis/lacking.ts'
import { type LocalChannel } from '../../src/broker/redis/local-channel.ts'
import { PageReading } from '../../src/broker/redis/page-reading.ts'
import { proveReading, type Question } from '../../src/broker/redis/proof.ts'
import { type ChannelReading, type Reading } from '../../src/broker/redis/reading.ts'
import { Log } from '../../src/log/log.ts'
import { toUtf8 } from '../../src/sse/utf8.ts'

const MIB = 1024 * 1024
const CLOCK = 1000

function announcementOf(position: number, previous: number, bytes = 10): Announcement {
  return { position, previous, kind: 'm', channels: [], body: toUtf8('x'.repeat(bytes)) }
}

function channelOf(name: string): LocalChannel {
  return {
    name,
    log: new Log(name, 0),
    state: 'ready',
    generation: 1,
    through: 0,
    isHeld: true,
    releasedAtMs: 0,
  }
}

/** What Redis tells of a channel that has these. */
function readingOf(entries: readonly Announcement[], hasMore = false): ChannelReading {
  const last = entries.at(-1)?.position
  return { last, mark: undefined, hasMore, forgotten: 0, entries, oldest: entries[0] }
}

function replyOf(channels: readonly ChannelReading[], fields: Partial<Reading> = {}): Reading {
  return { clock: CLOCK, latest: CLOCK, born: 1, channels, ...fields }
}

/** A channel of which this was read. */
function lackingOf(entries: readonly Announcement[], hasMore = false): Lacking {
  const lacking = new Lacking(channelOf('a'), entries.at(-1)!.position)
  lacking.add(readingOf(entries, hasMore), CLOCK)
  return lacking
}

function positionsOf({ pending }: Lacking): readonly number[] {
  return pending.map(({ position }) => position)
}

const QUESTION: Question = {
  channels: ['a', 'b', 'c'],
  from: 10,
  floors: undefined,
  kind: 'after',
}

/** Channels that the next script would read. */
function wantedBy(reading: PageReading): readonly unknown[] {
  return reading.wants.slice(3).filter((_, i) => i % 2 === 0)
}

describe('a page that takes several scripts', () => {
  test('goes on with the channels that the last one had no room for', () => {
    const reading = new PageReading(QUESTION)
    expect(wantedBy(reading)).toEqual(['a', 'b', 'c'])
    reading.add(replyOf([readingOf([announcementOf(30, 10, MIB)])]))
    expect(wantedBy(reading)).toEqual(['b', 'c'])
    reading.add(replyOf([readingOf([announcementOf(20, 10)]), readingOf([])]))
    expect(reading.wants).toEqual([])
    const page = proveReading(reading.readings, QUESTION)
    expect(page.messages.map(({ position }) => position)).toEqual([20])
    expect(page).toMatchObject({ gap: undefined, cursor: 29, floors: [29, 10, 10] })
  })

  test('is as of the earliest clock: what was published between its scripts is read later', () => {
    const reading = new PageReading(QUESTION)
    reading.add(replyOf([readingOf([])], { clock: 500 }))
    reading.add(replyOf([readingOf([]), readingOf([])], { clock: 600 }))
    expect(proveReading(reading.readings, QUESTION).cursor).toBe(500)
  })

  test('leaves out channels that are known to have nothing up to the first message', () => {
    const question = { ...QUESTION, from: 20, floors: [29, 20, 99] }
    const reading = new PageReading(question)
    expect(wantedBy(reading)).toEqual(['b', 'a', 'c'])
    reading.add(replyOf([readingOf([announcementOf(25, 20, MIB)], true)]))
    expect(reading.wants).toEqual([])
    const page = proveReading(reading.readings, question)
    expect(page.messages.map(({ position }) => position)).toEqual([25])
    expect(page).toMatchObject({ gap: undefined, cursor: 25, floors: [29, 20, 99] })
  })

  test('begins again where Redis began anew meanwhile', () => {
    const reading = new PageReading(QUESTION)
    reading.add(replyOf([readingOf([announcementOf(30, 10, MIB)])]))
    reading.add(replyOf([readingOf([])], { born: 700 }))
    expect(wantedBy(reading)).toEqual(['a', 'b', 'c'])
    reading.add(replyOf([readingOf([]), readingOf([]), readingOf([])], { born: 700 }))
    const page = proveReading(reading.readings, QUESTION)
    expect(page.gap).toMatchObject({ reason: 'reset', position: 700 })
    expect(page.messages).toEqual([])
  })

  test('tells the hole of a channel whose frames it let go', () => {
    const reading = new PageReading(QUESTION)
    reading.add(replyOf([readingOf([announcementOf(30, 15, MIB)])]))
    reading.add(replyOf([readingOf([announcementOf(20, 10, MIB)])]))
    reading.add(replyOf([readingOf([])]))
    const page = proveReading(reading.readings, QUESTION)
    expect(page.gap).toMatchObject({ reason: 'evicted', channels: ['a'], position: 19 })
    expect(page.messages.map(({ position }) => position)).toEqual([20])
    expect(page.floors).toEqual([29, 10, 10])
  })
})

describe('what a back-fill holds', () => {
  test('is bounded: what comes last is let go, and read again when its turn comes', () => {
    const first = lackingOf([announcementOf(10, 0, MIB), announcementOf(40, 10, MIB)])
    const second = lackingOf([announcementOf(20, 0, MIB)])
    const third = lackingOf([announcementOf(30, 0, MIB)])
    const all = [first, second, third]
    keepFirst(all, 2.5 * MIB)
    expect(all.map(positionsOf)).toEqual([[10], [20], []])
    expect(all.map(({ hasMore }) => hasMore)).toEqual([true, false, true])
    expect(first.reached).toBe(39)
    expect(third).toMatchObject({ isUnread: true, isUnknown: false, reached: 29 })
    expect(firstKnown(all, MIB)).toEqual([third])
  })

  test('is one message at least, and one that went to several channels is kept in each', () => {
    const all = [lackingOf([announcementOf(10, 0, MIB)]), lackingOf([announcementOf(10, 0, MIB)])]
    keepFirst(all, 10)
    expect(all.map(positionsOf)).toEqual([[10], [10]])
  })

  test('does not reach behind the clock of its comparison, but knows what comes then', () => {
    const lacking = lackingOf([announcementOf(10, 0), announcementOf(CLOCK + 5, 10)], true)
    expect(positionsOf(lacking)).toEqual([10])
    expect(lacking).toMatchObject({ hasMore: false, next: { position: CLOCK + 5, previous: 10 } })
  })

  test('reads those first that come first, as many as may be held', () => {
    const all = [50, 30, 40, 20].map((position) => lackingOf([announcementOf(position, 0, MIB)]))
    for (const one of all) one.letGo(0)
    const first = firstKnown(all, 1.5 * MIB).map(({ next }) => next!.position)
    expect(first).toEqual([20, 30])
  })
})

describe('what is heard while baselines are read', () => {
  test('is kept in order, and once', () => {
    const early = new EarlyMessages()
    const channel = channelOf('a')
    early.hold(channel, announcementOf(1, 0))
    early.hold(channel, announcementOf(2, 1))
    expect(early.take(channel).map(({ position }) => position)).toEqual([1, 2])
    expect(early.take(channel)).toEqual([])
  })

  test('is bounded in bytes, of all channels together', () => {
    const early = new EarlyMessages()
    const channels = Array.from({ length: 20 }, (_, i) => channelOf(`${i}`))
    for (const channel of channels) early.hold(channel, announcementOf(1, 0, MIB))
    const kept = channels.flatMap((channel) => early.take(channel))
    expect(kept.length).toBeGreaterThan(3)
    expect(kept.length).toBeLessThanOrEqual(8)
    early.hold(channels[0]!, announcementOf(2, 1, MIB)) // there is room again
    expect(early.take(channels[0]!)).toHaveLength(1)
  })

  test('a channel that takes all the room begins anew', () => {
    const early = new EarlyMessages()
    const channel = channelOf('a')
    for (let i = 1; i <= 10; i += 1) early.hold(channel, announcementOf(i, i - 1, MIB))
    expect(early.take(channel).map(({ position }) => position)).toEqual([8, 9, 10])
  })
})
