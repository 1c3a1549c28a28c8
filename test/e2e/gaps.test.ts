import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import {
  gapsOf,
  idsOf,
  isRising,
  lastIdOf,
  openingId,
  passTime,
  shiftId,
  textsOf,
} from '../support/position.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'

const resume = (hub: TestHub, names: string, id: string, query = '') =>
  openStream(hub.port, `/channels/${names}?${query}`, { headers: { 'Last-Event-ID': id } })

/** All that the stream is sent before the next live message: a gap would be among it. */
async function expectNoGap(hub: TestHub, stream: RawStream, channel: string): Promise<void> {
  await stream.waitForEvents(1)
  const id = await hub.send(channel, 'sentinel')
  await waitFor('the sentinel', () => idsOf(stream).includes(id), 5000)
  expect(gapsOf(stream)).toEqual([])
}

/** Publishes `<channel><i>` for i in 1..count; returns the ids, the first at index 1. */
async function sendMany(hub: TestHub, channel: string, count: number): Promise<string[]> {
  const ids = ['']
  for (let i = 1; i <= count; i += 1) ids.push(await hub.send(channel, `${channel}${i}`))
  return ids
}

/** Waits until what `position` would have to be followed by is dropped. */
async function waitForEviction(hub: TestHub, names: string, position: string): Promise<RawStream> {
  let found: RawStream | undefined
  await waitFor(
    'the log to drop what is too old',
    async () => {
      const stream = await resume(hub, names, position)
      await stream.waitForEvents(2)
      if (stream.control('gap').length > 0) found = stream
      else stream.close()
      return found !== undefined
    },
    6000,
  )
  return found!
}

describe('evicted', () => {
  test('is told once, first, with an id just below what follows', async () => {
    const hub = await startHub({ PIAZZA_LOG_MAX_MESSAGES: '5' })
    const ids = await sendMany(hub, 'a', 10)
    const stream = await resume(hub, 'a', ids[2]!)
    await stream.waitForMessages(5)
    expect(stream.events.map((event) => event.event ?? event.data)).toEqual([
      'piazza.open',
      'piazza.gap',
      'a6',
      'a7',
      'a8',
      'a9',
      'a10',
    ])
    expect(gapsOf(stream)).toEqual([{ reason: 'evicted', channels: ['a'], after: ids[2] }])
    expect(stream.events[0]?.id).toBe(ids[2])
    expect(stream.events[1]?.id).toBe(shiftId(ids[6]!, -1))
    expect(await hub.metric('piazza_gaps_total{reason="evicted"}')).toBe(1)

    const again = await resume(hub, 'a', stream.events[1]!.id!)
    await again.waitForMessages(5)
    expect(textsOf(again)).toEqual(['a6', 'a7', 'a8', 'a9', 'a10'])
    expect(gapsOf(again)).toEqual([])
  })

  test('is not told where the id is the last one dropped', async () => {
    const hub = await startHub({ PIAZZA_LOG_MAX_MESSAGES: '5' })
    const ids = await sendMany(hub, 'a', 10)
    const stream = await resume(hub, 'a', ids[5]!)
    await stream.waitForMessages(5)
    expect(textsOf(stream)).toEqual(['a6', 'a7', 'a8', 'a9', 'a10'])
    expect(gapsOf(stream)).toEqual([])
  })

  test('is told where the log is bounded in bytes; the newest message always stays', async () => {
    const hub = await startHub({ PIAZZA_LOG_MAX_BYTES: '1KiB' })
    const ids = [await hub.send('a', 'x'.repeat(300))]
    for (let i = 1; i < 10; i += 1) ids.push(await hub.send('a', `${i}`.repeat(300)))
    const stream = await resume(hub, 'a', ids[0]!)
    await stream.waitForMessages(1)
    await waitFor('the newest', () => idsOf(stream).at(-1) === ids[9])
    expect(gapsOf(stream)).toEqual([{ reason: 'evicted', channels: ['a'], after: ids[0] }])
    expect(stream.events[1]?.event).toBe('piazza.gap')
    expect(idsOf(stream).length).toBeLessThanOrEqual(3)
    expect(idsOf(stream)).toEqual(ids.slice(-idsOf(stream).length))

    const big = await hub.send('a', 'y'.repeat(5000))
    const whole = await openStream(hub.port, '/channels/a?since=all')
    await whole.waitForMessages(1)
    expect(idsOf(whole)).toEqual([big])
    expect(gapsOf(whole)).toEqual([{ reason: 'evicted', channels: ['a'], after: null }])
  })

  test('is told where messages were too old, also when nothing is left', async () => {
    const hub = await startHub({ PIAZZA_LOG_MAX_AGE: '1s' })
    const ids = await sendMany(hub, 'a', 2)
    const stream = await waitForEviction(hub, 'a', ids[1]!)
    expect(gapsOf(stream)).toEqual([{ reason: 'evicted', channels: ['a'], after: ids[1] }])
    expect(stream.messages).toEqual([])
    const gapId = stream.control('gap')[0]!.id!
    expect(gapId > ids[2]!).toBe(true)
    await expectNoGap(hub, await resume(hub, 'a', gapId), 'a')
    await expectNoGap(hub, await resume(hub, 'a', ids[2]!), 'a')
  })

  test('names only the channels with a hole', async () => {
    const hub = await startHub({ PIAZZA_LOG_MAX_MESSAGES: '5' })
    const start = await hub.send('x', 'start')
    await sendMany(hub, 'a', 3)
    await sendMany(hub, 'b', 6)
    await sendMany(hub, 'c', 7)
    const stream = await resume(hub, 'a,b,never,c', start)
    await stream.waitForMessages(13)
    const [gap] = gapsOf(stream) as { channels: string[] }[]
    expect(gapsOf(stream)).toHaveLength(1)
    expect(gap).toMatchObject({ reason: 'evicted', after: start })
    expect(gap?.channels.toSorted()).toEqual(['b', 'c'])
  })

  test('of one of several channels stands before all that follows, and nothing is told twice', async () => {
    const hub = await startHub({ PIAZZA_LOG_MAX_MESSAGES: '5' })
    const start = await hub.send('x', 'start')
    const firstOfB = await hub.send('b', 'b1')
    await sendMany(hub, 'a', 6)
    await hub.send('b', 'b2')
    await hub.publish({ channels: ['b', 'a'], data: 'both' })
    await sendMany(hub, 'a', 3)
    await hub.send('b', 'b3')
    const stream = await resume(hub, 'b,a', start)
    await stream.waitForMessages(8)
    await expect
      .poll(() => textsOf(stream))
      .toEqual(['b1', 'a6', 'b2', 'both', 'a1', 'a2', 'a3', 'b3'])
    expect(stream.events[1]?.event).toBe('piazza.gap')
    expect(stream.events[1]?.id).toBe(shiftId(firstOfB, -1))
    expect(gapsOf(stream)).toEqual([{ reason: 'evicted', channels: ['a'], after: start }])
    expect(isRising(idsOf(stream))).toBe(true)
    const again = await resume(hub, 'b,a', lastIdOf(stream))
    await expectNoGap(hub, again, 'a')
    expect(textsOf(again)).toEqual(['sentinel'])
  })

  test('is told to since, of what was dropped since then', async () => {
    const hub = await startHub({ PIAZZA_LOG_MAX_MESSAGES: '5' })
    const ids = await sendMany(hub, 'a', 10)
    for (const since of ['all', '10m', '2020-01-01T00:00:00Z']) {
      const stream = await openStream(hub.port, `/channels/a?since=${since}`)
      await stream.waitForMessages(5)
      expect(stream.events[1]?.event).toBe('piazza.gap')
      expect(stream.events[1]?.id).toBe(shiftId(ids[6]!, -1))
      expect(gapsOf(stream)).toEqual([{ reason: 'evicted', channels: ['a'], after: null }])
    }
    const moment = encodeURIComponent(new Date(Date.now() + 5).toISOString())
    await passTime('the moment', 10)
    await hub.send('a', 'later')
    const stream = await openStream(hub.port, `/channels/a?since=${moment}`)
    await stream.waitForMessages(1)
    expect(textsOf(stream)).toEqual(['later'])
    expect(gapsOf(stream)).toEqual([])
  })
})

describe('reset', () => {
  test('is told to an id of the log before this one, and all that is retained follows', async () => {
    const former = await startHub()
    const old = await former.send('a', 'lost')
    const hub = await startHub()
    await sendMany(hub, 'a', 2)
    const stream = await resume(hub, 'a', old)
    await stream.waitForMessages(2)
    expect(stream.events.map((event) => event.event ?? event.data)).toEqual([
      'piazza.open',
      'piazza.gap',
      'a1',
      'a2',
    ])
    const [gap] = gapsOf(stream) as { channels: string[] | null }[]
    expect(gap).toMatchObject({ reason: 'reset', after: old })
    expect([null, ['a']]).toContainEqual(gap?.channels)
    expect(await hub.metric('piazza_gaps_total{reason="reset"}')).toBe(1)
    const opening = await openingId(stream)
    expect(opening > old && opening < idsOf(stream)[0]!).toBe(true)
    expect([undefined, opening]).toContain(stream.events[1]?.id)

    const again = await resume(hub, 'a', opening)
    await again.waitForMessages(2)
    expect(textsOf(again)).toEqual(['a1', 'a2'])
    expect(gapsOf(again)).toEqual([])
  })

  test('is told at once on a quiet channel', async () => {
    const former = await startHub()
    const old = await former.send('a', 'lost')
    const hub = await startHub()
    const stream = await resume(hub, 'a,b', old)
    await stream.waitForEvents(2, 1000)
    expect(gapsOf(stream)).toMatchObject([{ reason: 'reset', after: old }])
    await expectNoGap(hub, await resume(hub, 'a,b', lastIdOf(stream)), 'b')
  })
})

describe('unknown', () => {
  test.each([
    ['a word', 'garbage'],
    ['a small number', '42'],
    ['a negative number', '-1'],
    ['upper case', 'ZZZ'],
    ['the highest number', 'zzzzzzzzzzz'],
    ['a number beyond all', 'z'.repeat(64)],
    ['one too long', 'x'.repeat(5000)],
    ['one with spaces and quotes', 'a b;"c\\'],
    ['one in Latin-1', 'b\xE4h'],
    ["a Redis stream's", '1784-0'],
    ['a UUID', '5b0c7e1a-1111-4222-8333-444455556666'],
  ])('%s is not an id of this hub: a gap, then live', async (_, id) => {
    const hub = await startHub()
    await hub.send('a', 'before')
    const stream = await resume(hub, 'a', id)
    expect(stream.status).toBe(200)
    await stream.waitForEvents(2)
    const [gap] = gapsOf(stream) as { reason: string }[]
    expect(gap).toMatchObject({ reason: 'unknown', after: null })
    const opening = await openingId(stream)
    const next = await hub.send('a', 'next')
    await stream.waitForMessages(1)
    expect(textsOf(stream)).toEqual(['next'])
    expect(opening < next).toBe(true)
    const again = await resume(hub, 'a', opening)
    await again.waitForMessages(1)
    expect(textsOf(again)).toEqual(['next'])
    expect(gapsOf(again)).toEqual([])
  })

  test('is an id later than the clock, and such a stream does not wait for ever', async () => {
    const hub = await startHub()
    const id = await hub.send('a', 'before')
    const stream = await resume(hub, 'a', shiftId(id, 3_600_000_000))
    await stream.waitForEvents(2)
    expect(gapsOf(stream)).toMatchObject([{ reason: 'unknown', after: null }])
    await hub.send('a', 'next')
    await stream.waitForMessages(1)
    expect(textsOf(stream)).toEqual(['next'])
    expect(await hub.metric('piazza_gaps_total{reason="unknown"}')).toBe(1)
  })

  test('in a query parameter is the same', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a?lastEventId=%00%F0%9F%98%80')
    expect(stream.status).toBe(200)
    await stream.waitForEvents(2)
    expect(gapsOf(stream)).toMatchObject([{ reason: 'unknown', after: null }])
  })
})

describe('no gap is told', () => {
  test('to a position after the newest message', async () => {
    const hub = await startHub()
    await sendMany(hub, 'a', 2)
    const first = await openStream(hub.port, '/channels/a')
    await hub.send('other', 'x')
    await expectNoGap(hub, await resume(hub, 'a', await openingId(first)), 'a')
  })

  test('to the newest message, nor to a position that was just given out elsewhere', async () => {
    const hub = await startHub()
    const ids = await sendMany(hub, 'a', 2)
    const elsewhere = await hub.send('other', 'x')
    await expectNoGap(hub, await resume(hub, 'a', elsewhere), 'a')
    await expectNoGap(hub, await resume(hub, 'a', ids[2]!), 'a')
  })

  test('for a channel that was never published', async () => {
    const hub = await startHub()
    const position = await openingId(await openStream(hub.port, '/channels/never'))
    await expectNoGap(hub, await resume(hub, 'never', position), 'never')
    const id = await hub.send('a', 'x')
    const stream = await resume(hub, 'a,nor,this', id)
    await expectNoGap(hub, stream, 'nor')
  })

  test('for a message that was missed by nobody, though it is no longer retained', async () => {
    const hub = await startHub({ PIAZZA_LOG_MAX_AGE: '1s' })
    const ids = await sendMany(hub, 'a', 2)
    await waitForEviction(hub, 'a', ids[1]!)
    await expectNoGap(hub, await resume(hub, 'a', ids[2]!), 'a')
  })
})
