import { describe, expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { idsOf, isRising, textsOf } from '../support/position.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'

const blocksAfterOpening = (stream: RawStream) => stream.body.slice(stream.body.indexOf('\n\n') + 2)

const heartbeatsOf = (stream: RawStream) => stream.body.match(/(?<=\n):\n/g)?.length ?? 0

describe('a message', () => {
  test('is one block: event, retry, a data line per line, id, blank line', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    await stream.waitForEvents(1)
    const first = await hub.send('a', '1\r\n2\r3\n4', { event: 'tick', retry: 5000 })
    const second = await hub.send('a', 'plain')
    await stream.waitForMessages(2)
    expect(blocksAfterOpening(stream)).toBe(
      'event: tick\nretry: 5000\ndata: 1\ndata: 2\ndata: 3\ndata: 4\n' +
        `id: ${first}\n\ndata: plain\nid: ${second}\n\n`,
    )
    expect(stream.retry).toBe(5000)
  })

  test.each([
    ['', ''],
    [' led by a space', ' led by a space'],
    ['ends in a line feed\n', 'ends in a line feed\n'],
    ['\r\r\n\n', '\n\n\n'],
    [': no comment\nid: 7\nevent: x', ': no comment\nid: 7\nevent: x'],
    ['grüße 😀 \u2028 \uFEFF', 'grüße 😀 \u2028 \uFEFF'],
    ['lone \uD800 surrogate', 'lone \uFFFD surrogate'],
    [null, 'null'],
    [false, 'false'],
    [0, '0'],
    [{ a: [1, 'x\ny'] }, '{"a":[1,"x\\ny"]}'],
  ])('with data %j arrives as %j', async (data, expected) => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    await stream.waitForEvents(1)
    const id = await hub.send('a', data)
    await stream.waitForMessages(1)
    expect(stream.messages).toMatchObject([{ data: expected, id }])
    expect(stream.messages[0]?.event).toBeUndefined()
  })

  test('to several channels of a stream arrives once', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a,b,c')
    await stream.waitForEvents(1)
    const answer = await hub.publish({ channels: ['c', 'a', 'x', 'a'], data: 'both' })
    await hub.send('b', 'after')
    await stream.waitForMessages(2)
    expect(textsOf(stream)).toEqual(['both', 'after'])
    expect(stream.messages[0]?.id).toBe(answer.json.id)
  })

  test('reaches all streams in one and the same order, with rising ids', async () => {
    const hub = await startHub()
    const streams = await Promise.all(
      ['a', 'a,b', 'b,a', 'a,b,c'].map((names) => openStream(hub.port, `/channels/${names}`)),
    )
    await Promise.all(streams.map((stream) => stream.waitForEvents(1)))
    await Promise.all(
      Array.from({ length: 120 }, (_, i) => hub.send(i % 3 === 0 ? 'b' : 'a', `${i}`)),
    )
    await streams[0]!.waitForMessages(80)
    await Promise.all(streams.slice(1).map((stream) => stream.waitForMessages(120)))
    const [ofA, ...merged] = streams.map(textsOf)
    expect(merged[1]).toEqual(merged[0])
    expect(merged[2]).toEqual(merged[0])
    expect(merged[0]?.filter((text) => Number(text) % 3 !== 0)).toEqual(ofA)
    for (const stream of streams) expect(isRising(idsOf(stream))).toBe(true)
  })
})

describe('events=', () => {
  test('lets only the listed types pass, message being the untyped ones', async () => {
    const hub = await startHub()
    const typed = await openStream(hub.port, '/channels/a?events=score,goal')
    const mixed = await openStream(hub.port, '/channels/a?events=message%2Cgoal')
    await Promise.all([typed.waitForEvents(1), mixed.waitForEvents(1)])
    await hub.send('a', 'untyped')
    await hub.send('a', 'named', { event: 'message' })
    for (const event of ['chat', 'score', 'goal']) await hub.send('a', event, { event })
    await Promise.all([typed.waitForMessages(2), mixed.waitForMessages(3)])
    expect(textsOf(typed)).toEqual(['score', 'goal'])
    expect(textsOf(mixed)).toEqual(['untyped', 'named', 'goal'])
    expect(typed.control('open')).toHaveLength(1)
  })

  test('filters a replay as well', async () => {
    const hub = await startHub()
    for (const event of ['chat', 'score', 'chat']) await hub.send('a', event, { event })
    const stream = await openStream(hub.port, '/channels/a?events=score&since=all')
    await stream.waitForMessages(1)
    await hub.send('a', 'live', { event: 'score' })
    await stream.waitForMessages(2)
    expect(textsOf(stream)).toEqual(['score', 'live'])
  })

  test('never holds back the end', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a?events=score')
    await stream.waitForEvents(1)
    await hub.send('a', 'over', { event: 'chat', end: true })
    await stream.waitForClose()
    expect(stream.messages).toMatchObject([{ event: 'chat', data: 'over' }])
  })
})

describe('envelope=1', () => {
  test('tells channel, id, event and data as a plain stream carries it', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a,b?envelope=1')
    await stream.waitForEvents(1)
    const first = await hub.send('b', '1\r\n2\r3')
    const second = await hub.send('a', { x: 1 }, { event: 'tick' })
    await stream.waitForMessages(2)
    expect(textsOf(stream)).toEqual([
      JSON.stringify({ channel: 'b', id: first, event: 'message', data: '1\n2\n3' }),
      JSON.stringify({ channel: 'a', id: second, event: 'tick', data: '{"x":1}' }),
    ])
    expect(idsOf(stream)).toEqual([first, second])
    expect(stream.events[0]?.data).toBe('{"heartbeat":15}')
  })

  test('names the first requested channel that the message went to', async () => {
    const hub = await startHub()
    const streams = await Promise.all(
      ['x,a,b', 'b,a', 'b,x'].map((names) => openStream(hub.port, `/channels/${names}?envelope=1`)),
    )
    await Promise.all(streams.map((stream) => stream.waitForEvents(1)))
    await hub.publish({ channels: ['b', 'a'], data: '' })
    await Promise.all(streams.map((stream) => stream.waitForMessages(1)))
    const names = streams.map((stream) => JSON.parse(textsOf(stream)[0]!).channel as string)
    expect(names).toEqual(['a', 'b', 'b'])
  })

  test('holds for a replay and for an ephemeral message', async () => {
    const hub = await startHub()
    const id = await hub.send('a', 'kept')
    const stream = await openStream(hub.port, '/channels/a?envelope=1&since=all')
    await stream.waitForMessages(1)
    await hub.publish({ channel: 'a', data: 'gone', ephemeral: true })
    await stream.waitForMessages(2)
    const [kept, gone] = textsOf(stream).map((text) => JSON.parse(text) as object)
    expect(kept).toEqual({ channel: 'a', id, event: 'message', data: 'kept' })
    expect(gone).toMatchObject({ channel: 'a', event: 'message', data: 'gone' })
    expect(stream.messages[1]).not.toHaveProperty('id', expect.anything())
  })
})

test('an ephemeral message has no id and is never replayed', async () => {
  const hub = await startHub()
  const stream = await openStream(hub.port, '/channels/a')
  await stream.waitForEvents(1)
  const answer = await hub.publish({ channel: 'a', data: 'gone', ephemeral: true })
  expect(answer.status).toBe(202)
  expect(answer.json).toEqual({ channels: ['a'] })
  const id = await hub.send('a', 'kept')
  await stream.waitForMessages(2)
  expect(blocksAfterOpening(stream)).toBe(`data: gone\n\ndata: kept\nid: ${id}\n\n`)
  const later = await openStream(hub.port, '/channels/a?since=all')
  await later.waitForMessages(1)
  expect(textsOf(later)).toEqual(['kept'])
})

test('an ephemeral message that comes with more than the log keeps is missed, counted, and not sent later', async () => {
  const hub = await startHub({ PIAZZA_LOG_MAX_MESSAGES: '1' })
  const streams = [
    await openStream(hub.port, '/channels/a'),
    await openStream(hub.port, '/channels/a'),
  ]
  await Promise.all(streams.map((stream) => stream.waitForEvents(1)))
  const items = ['1', '2', '3'].map((data) => ({ channel: 'a', data }))
  await hub.publish([...items, { channel: 'a', data: 'gone', ephemeral: true }])
  await Promise.all(streams.map((stream) => stream.waitForMessages(1)))
  expect(await hub.metric('piazza_ephemeral_missed_total')).toBe(2)
  await hub.send('a', '4')
  for (const stream of streams) {
    await waitFor('the newest', () => textsOf(stream).at(-1) === '4')
    expect(textsOf(stream)).toEqual(['3', '4'])
  }
})

test('ping=5 sends a piazza.ping every 5 s, without id', async () => {
  const hub = await startHub()
  const startedMs = performance.now()
  const stream = await openStream(hub.port, '/channels/a?ping=5')
  const other = await openStream(hub.port, '/channels/a')
  await waitFor('a ping', () => stream.control('ping').length === 1, 15_000)
  expect(performance.now() - startedMs).toBeGreaterThan(3000)
  const [ping] = stream.control('ping')
  expect(ping?.id).toBeUndefined()
  const { time } = JSON.parse(ping!.data) as { time: string | number }
  expect(Math.abs(Date.now() - new Date(time).getTime())).toBeLessThan(5000)
  expect(stream.body).toMatch(/\n\nevent: piazza\.ping\ndata: \{"time":[^\n]+\}\n\n/)
  expect(other.control('ping')).toEqual([])
}, 20_000)

test('an idle stream gets a comment line per heartbeat, a busy one none', async () => {
  const hub = await startHub({ PIAZZA_HEARTBEAT_INTERVAL: '1s' })
  const idle = await openStream(hub.port, '/channels/idle')
  const busy = await openStream(hub.port, '/channels/busy')
  await Promise.all([idle.waitForEvents(1), busy.waitForEvents(1)])
  expect(idle.events[0]?.data).toBe('{"heartbeat":1}')
  const startedMs = performance.now()
  const hasBeats = async (count: number) => {
    await hub.send('busy', 'x')
    return heartbeatsOf(idle) >= count
  }
  await waitFor('a heartbeat', () => hasBeats(1), 3000)
  expect(performance.now() - startedMs).toBeGreaterThan(500)
  expect(blocksAfterOpening(idle)).toBe(':\n')
  await waitFor('two more heartbeats', () => hasBeats(3), 6000)
  expect(blocksAfterOpening(idle)).toBe(':\n:\n:\n')
  expect(heartbeatsOf(busy)).toBe(0)
  const id = await hub.send('idle', 'hello')
  await idle.waitForMessages(1)
  expect(blocksAfterOpening(idle)).toMatch(new RegExp(`^(:\\n)+data: hello\\nid: ${id}\\n\\n$`))
})
