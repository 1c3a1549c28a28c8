import { describe, expect, test } from 'vitest'
import { takeMoment, toRfc3339 } from '../support/clock.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { gapsOf, idsOf, isRising, openingId, passTime, textsOf } from '../support/position.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'

/** Publishes `<channel><i>` for each i from 1 to `count`; returns the ids, the first at index 1. */
async function sendMany(hub: TestHub, channel: string, count: number): Promise<string[]> {
  const ids = ['']
  for (let i = 1; i <= count; i += 1) ids.push(await hub.send(channel, `${channel}${i}`))
  return ids
}

/** A live message after which nothing of a replay can come; then all that the stream was sent before it. */
async function textsUpTo(stream: RawStream, hub: TestHub, channel: string): Promise<string[]> {
  await stream.waitForEvents(1)
  const id = await hub.send(channel, 'sentinel')
  await expect.poll(() => idsOf(stream).includes(id), { timeout: 5000 }).toBe(true)
  return textsOf(stream).slice(0, -1)
}

describe('an id', () => {
  test('may come in the header or in either query parameter', async () => {
    const hub = await startHub()
    const ids = await sendMany(hub, 'a', 3)
    const streams = [
      await openStream(hub.port, '/channels/a', { headers: { 'Last-Event-ID': ids[1]! } }),
      await openStream(hub.port, `/channels/a?lastEventId=${ids[1]}`),
      await openStream(hub.port, `/channels/a?last_event_id=${ids[1]}`),
      await openStream(hub.port, `/channels/a?lastEventId=${ids[1]}`, { version: '1.0' }),
    ]
    for (const stream of streams) {
      await stream.waitForMessages(2)
      expect(textsOf(stream)).toEqual(['a2', 'a3'])
      expect(idsOf(stream)).toEqual([ids[2], ids[3]])
    }
  })

  test.each(['lastEventId', 'last_event_id'])(
    'in the header wins over %s, unless it is empty',
    async (query) => {
      const hub = await startHub()
      const ids = await sendMany(hub, 'a', 3)
      const path = `/channels/a?${query}=${ids[1]}`
      const full = await openStream(hub.port, path, { headers: { 'Last-Event-ID': ids[2]! } })
      const empty = await openStream(hub.port, path, { headers: { 'Last-Event-ID': '' } })
      await full.waitForMessages(1)
      await empty.waitForMessages(2)
      expect(textsOf(full)).toEqual(['a3'])
      expect(textsOf(empty)).toEqual(['a2', 'a3'])
    },
  )

  test('wins over since and last', async () => {
    const hub = await startHub()
    const ids = await sendMany(hub, 'a', 4)
    const since = await openStream(hub.port, `/channels/a?since=all&lastEventId=${ids[2]}`)
    const last = await openStream(hub.port, `/channels/a?last=1&lastEventId=${ids[2]}`)
    expect(await textsUpTo(since, hub, 'a')).toEqual(['a3', 'a4'])
    await last.waitForMessages(3)
    expect(textsOf(last)).toEqual(['a3', 'a4', 'sentinel'])
  })

  test('that is empty everywhere is none', async () => {
    const hub = await startHub()
    await sendMany(hub, 'a', 2)
    const headers = { 'Last-Event-ID': '' }
    const live = await openStream(hub.port, '/channels/a?lastEventId=', { headers })
    const since = await openStream(hub.port, '/channels/a?lastEventId=&since=all', { headers })
    await since.waitForMessages(2)
    expect(textsOf(since)).toEqual(['a1', 'a2'])
    expect(await textsUpTo(live, hub, 'a')).toEqual([])
    expect([gapsOf(live), gapsOf(since)]).toEqual([[], []])
  })

  test('resumes with every message after it once, in order, then live', async () => {
    const hub = await startHub()
    const ids = await sendMany(hub, 'a', 40)
    const streams: { readonly from: number; readonly stream: RawStream }[] = []
    const publishing = (async () => {
      for (let i = 41; i <= 120; i += 1) ids.push(await hub.send('a', `a${i}`))
    })()
    while (ids.length < 115) {
      const from = ids.length - 1 - (streams.length % 40)
      const headers = { 'Last-Event-ID': ids[from]! }
      streams.push({ from, stream: await openStream(hub.port, '/channels/a', { headers }) })
    }
    await publishing
    expect(streams.length).toBeGreaterThan(5)
    for (const { from, stream } of streams) {
      await stream.waitForMessages(120 - from)
      expect(idsOf(stream)).toEqual(ids.slice(from + 1))
      expect(gapsOf(stream)).toEqual([])
    }
  }, 30_000)

  test('of any channel resumes any number of channels', async () => {
    const hub = await startHub()
    const ids: string[] = []
    for (let i = 0; i < 12; i += 1) ids.push(await hub.send('abc'[i % 3]!, `${i}`))
    const ofC = ids[5]!
    for (const names of ['a,b', 'b,a']) {
      const stream = await openStream(hub.port, `/channels/${names}?lastEventId=${ofC}`)
      await stream.waitForMessages(4)
      expect(textsOf(stream)).toEqual(['6', '7', '9', '10'])
      expect(gapsOf(stream)).toEqual([])
    }
  })

  test('of a message to several channels does not bring it again through another one', async () => {
    const hub = await startHub()
    const { id } = (await hub.publish({ channels: ['a', 'b'], data: 'both' })).json as {
      id: string
    }
    await hub.send('b', 'next')
    const stream = await openStream(hub.port, `/channels/a,b?lastEventId=${id}`)
    await stream.waitForMessages(1)
    expect(textsOf(stream)).toEqual(['next'])
    const whole = await openStream(hub.port, '/channels/b,a?since=all')
    expect(await textsUpTo(whole, hub, 'a')).toEqual(['both', 'next'])
  })
})

describe('the opening block', () => {
  test('carries the position given where something follows', async () => {
    const hub = await startHub()
    const ids = await sendMany(hub, 'a', 3)
    const stream = await openStream(hub.port, `/channels/a?lastEventId=${ids[1]}`)
    expect(await openingId(stream)).toBe(ids[1])
  })

  test('carries a newer one where nothing does', async () => {
    const hub = await startHub()
    const ids = await sendMany(hub, 'a', 3)
    const stream = await openStream(hub.port, `/channels/a?lastEventId=${ids[3]}`)
    const position = await openingId(stream)
    expect(position > ids[3]!).toBe(true)
    const next = await hub.send('a', 'next')
    expect(next > position).toBe(true)
    const again = await openStream(hub.port, `/channels/a?lastEventId=${position}`)
    await again.waitForMessages(1)
    expect(textsOf(again)).toEqual(['next'])
    expect(gapsOf(again)).toEqual([])
  })

  test.each(['since=all', 'since=1h', 'last=2'])(
    'is before what %s replays, so that an early cut loses none of it',
    async (query) => {
      const hub = await startHub()
      await sendMany(hub, 'a', 4)
      const first = await openStream(hub.port, `/channels/a?${query}`)
      await first.waitForMessages(2)
      const [firstId] = idsOf(first)
      const position = await openingId(first)
      expect(position < firstId!).toBe(true)
      const second = await openStream(hub.port, `/channels/a?lastEventId=${position}`)
      await second.waitForMessages(2)
      expect(textsOf(second)).toContain('a3')
      expect(textsOf(second)).toContain('a4')
      expect(gapsOf(second)).toEqual([])
    },
  )
})

describe('since', () => {
  test.each([
    ['Z', 0],
    ['an offset', 120],
    ['a negative offset', -570],
  ])('takes RFC 3339 with %s', async (_, offsetMinutes) => {
    const hub = await startHub()
    await hub.send('a', 'before')
    const momentMs = await takeMoment()
    await hub.send('a', 'after')
    const text =
      offsetMinutes === 0 ? new Date(momentMs).toISOString() : toRfc3339(momentMs, offsetMinutes)
    // A form decoder makes a space of a bare plus: both must mean the offset.
    for (const since of [text, encodeURIComponent(text)]) {
      const stream = await openStream(hub.port, `/channels/a?since=${since}`)
      await stream.waitForMessages(1)
      expect(textsOf(stream)).toEqual(['after'])
      expect(gapsOf(stream)).toEqual([])
    }
  })

  test.each([
    '2020-01-01T00:00:00Z',
    '2020-01-01t00:00:00.123456789z',
    '2024-02-29T23:59:59-00:00',
  ])('takes the RFC 3339 form %s', async (since) => {
    const hub = await startHub()
    await hub.send('a', 'kept')
    const stream = await openStream(hub.port, `/channels/a?since=${since}`)
    expect(stream.status).toBe(200)
    await stream.waitForMessages(1)
    expect(gapsOf(stream)).toEqual([])
  })

  test.each(['90s', '10m', '2h', '60000ms'])('takes the duration %s', async (since) => {
    const hub = await startHub()
    await sendMany(hub, 'a', 3)
    const stream = await openStream(hub.port, `/channels/a?since=${since}`)
    expect(await textsUpTo(stream, hub, 'a')).toEqual(['a1', 'a2', 'a3'])
    expect(gapsOf(stream)).toEqual([])
  })

  test('goes back a duration and no further', async () => {
    const hub = await startHub()
    await hub.send('a', 'old')
    await passTime('the message to be older than a second', 1100)
    await hub.send('a', 'young')
    const stream = await openStream(hub.port, '/channels/a?since=1s')
    await stream.waitForMessages(1)
    expect(textsOf(stream)).toEqual(['young'])
    expect(gapsOf(stream)).toEqual([])
  })

  test('replays all that is retained of several channels, in order', async () => {
    const hub = await startHub()
    for (let i = 0; i < 9; i += 1) await hub.send('abc'[i % 3]!, `${i}`)
    const stream = await openStream(hub.port, '/channels/a,c?since=all')
    expect(await textsUpTo(stream, hub, 'c')).toEqual(['0', '2', '3', '5', '6', '8'])
    expect(isRising(idsOf(stream))).toBe(true)
    expect(gapsOf(stream)).toEqual([])
  })

  test('in the future is live only', async () => {
    const hub = await startHub()
    await sendMany(hub, 'a', 2)
    const stream = await openStream(hub.port, '/channels/a?since=2999-01-01T00:00:00Z')
    const position = await openingId(stream)
    const id = await hub.send('a', 'live')
    await stream.waitForMessages(1)
    expect(textsOf(stream)).toEqual(['live'])
    expect(position < id).toBe(true)
    expect(gapsOf(stream)).toEqual([])
  })

  test.each([
    'yesterday',
    '10',
    '10x',
    '-5m',
    '1.5.5h',
    'ALLES',
    '2026-13-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-02-01T25:00:00Z',
    '2026-02-01T00:00:00',
    '2026-02-01',
    '2026-02-01T00:00:00+99:00',
  ])('of %s is refused with 400', async (since) => {
    const hub = await startHub()
    const answer = await openStream(hub.port, `/channels/a?since=${since}`)
    expect(answer.status).toBe(400)
    expect(answer.headers['cache-control']).toMatch(/no-store/)
  })
})

describe('last', () => {
  test.each([
    [1, ['a4']],
    [3, ['a2', 'a3', 'a4']],
    [1000, ['a1', 'a2', 'a3', 'a4']],
  ])('=%i gives the newest of a channel first, then live', async (last, expected) => {
    const hub = await startHub()
    await sendMany(hub, 'a', 4)
    const stream = await openStream(hub.port, `/channels/a?last=${last}`)
    expect(await textsUpTo(stream, hub, 'a')).toEqual(expected)
    expect(gapsOf(stream)).toEqual([])
  })

  test('gives the newest of each channel, merged in order', async () => {
    const hub = await startHub()
    for (const text of ['a1', 'b1', 'a2', 'b2', 'a3', 'a4']) await hub.send(text[0]!, text)
    const one = await openStream(hub.port, '/channels/a,b,never?last=1')
    const two = await openStream(hub.port, '/channels/b,a?last=2')
    expect(await textsUpTo(one, hub, 'b')).toEqual(['b2', 'a4'])
    expect(isRising(idsOf(one))).toBe(true)
    await two.waitForMessages(5)
    expect(textsOf(two)).toEqual(['b1', 'b2', 'a3', 'a4', 'sentinel'])
  })

  test('gives a message to several channels once', async () => {
    const hub = await startHub()
    await hub.publish({ channels: ['a', 'b'], data: 'both' })
    const stream = await openStream(hub.port, '/channels/a,b?last=2')
    expect(await textsUpTo(stream, hub, 'a')).toEqual(['both'])
  })

  test('tells no gap, whatever was dropped', async () => {
    const hub = await startHub({ PIAZZA_LOG_MAX_MESSAGES: '5' })
    await sendMany(hub, 'a', 10)
    const stream = await openStream(hub.port, '/channels/a?last=1000')
    expect(await textsUpTo(stream, hub, 'a')).toEqual(['a6', 'a7', 'a8', 'a9', 'a10'])
    expect(gapsOf(stream)).toEqual([])
  })

  test('of a channel that was never published is live at once', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/never?last=5')
    expect(await textsUpTo(stream, hub, 'never')).toEqual([])
    expect(gapsOf(stream)).toEqual([])
  })
})
