import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { gapsOf, idsOf, isRising, lastIdOf, passTime } from '../support/position.ts'
import { openStream, type RawStream, type RawStreamOptions } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

const MB = 1_000_000

/** More than the kernel's buffers take of a stalled reader. */
const COUNT = 24

const numbersOf = (stream: RawStream) =>
  stream.messages.map((message) => Number.parseInt(message.data, 10))

const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)

const blocksOf = (stream: RawStream) => stream.body.slice(stream.body.indexOf('data: 0\n'))

const publishBig = (hub: TestHub, number: number, fields: Record<string, unknown> = {}) =>
  hub.send(number % 2 === 0 ? 'a' : 'b', `${number} `.padEnd(MB, '.'), fields)

/** A hub that retains all, and a reader of `names` that took nothing of `COUNT` messages to a and b. */
async function startStalled(
  settings: Record<string, string>,
  names: string,
  options: RawStreamOptions = {},
): Promise<{ hub: TestHub; stream: RawStream; ids: string[] }> {
  const hub = await startHub({ PIAZZA_LOG_MAX_BYTES: '64MiB', ...settings })
  const stream = await openStream(hub.port, `/channels/${names}`, options)
  await stream.waitForEvents(1)
  stream.pause()
  const ids: string[] = []
  for (const number of range(1, COUNT)) ids.push(await publishBig(hub, number))
  return { hub, stream, ids }
}

async function startBehind(...args: Parameters<typeof startStalled>) {
  const started = await startStalled(...args)
  await waitFor('the reader to be behind', async () => {
    return (await started.hub.metric('piazza_streams_behind')) === 1
  })
  return started
}

describe('a stream that is behind', () => {
  test.each(['1.1', '1.0'] as const)(
    'catches up with all that is retained, in order, and goes on live (HTTP/%s)',
    async (version) => {
      const { hub, stream, ids } = await startBehind({}, 'a,b', { version })
      stream.resume()
      await stream.waitForMessages(COUNT)
      ids.push(await hub.send('a', `${COUNT + 1}`))
      await stream.waitForMessages(COUNT + 1)
      expect(numbersOf(stream)).toEqual(range(1, COUNT + 1))
      expect(idsOf(stream)).toEqual(ids)
      expect(gapsOf(stream)).toEqual([])
      await waitFor('it to be live', async () => {
        return (await hub.metric('piazza_streams_behind')) === 0
      })
    },
  )

  test('gets all up to the ends of its channels, then closes', async () => {
    const { hub, stream } = await startBehind({}, 'a,b')
    await publishBig(hub, COUNT + 1, { end: true })
    await publishBig(hub, COUNT + 2, { end: true })
    stream.resume()
    await stream.waitForClose()
    expect(numbersOf(stream)).toEqual(range(1, COUNT + 2))
    const story = stream.events.map((event) => event.event ?? Number.parseInt(event.data, 10))
    expect(story.slice(-4)).toEqual([COUNT + 1, 'piazza.end', COUNT + 2, 'piazza.end'])
    expect(stream.isComplete).toBe(true)
  })

  test('is told one gap for all its holes, where the log went past it', async () => {
    const { hub, stream } = await startBehind({ PIAZZA_LOG_MAX_BYTES: '4MiB' }, 'a,b')
    stream.resume()
    await waitFor('the newest', () => numbersOf(stream).at(-1) === COUNT)
    expect(gapsOf(stream)).toMatchObject([{ reason: 'evicted' }])
    const { channels } = gapsOf(stream)[0] as { channels: string[] }
    expect(channels.toSorted()).toEqual(['a', 'b'])
    const all = stream.events.map((event) => event.id!)
    expect(isRising(all)).toBe(true)
    const numbers = numbersOf(stream)
    const had = numbers.findIndex((number, i) => number !== i + 1)
    expect(numbers.slice(had)).toEqual(range(COUNT + 1 - (numbers.length - had), COUNT))
    await hub.send('b', `${COUNT + 1}`)
    await waitFor('a live one', () => numbersOf(stream).at(-1) === COUNT + 1)
    expect(gapsOf(stream)).toHaveLength(1)
  })

  test('is told of a DELETE that lies in a gap of another channel', async () => {
    const { hub, stream } = await startBehind({ PIAZZA_LOG_MAX_MESSAGES: '2' }, 'a,b')
    await request(hub.port, 'DELETE', '/channels/a')
    for (const number of [1, 3, 5]) await hub.send('b', `${COUNT + number}`)
    stream.resume()
    await waitFor('the newest', () => numbersOf(stream).at(-1) === COUNT + 5)
    const story = stream.events.slice(-4).map((event) => event.event ?? event.data)
    expect(story).toEqual(['piazza.gap', 'piazza.end', `${COUNT + 3}`, `${COUNT + 5}`])
    expect(stream.control('end')).toMatchObject([{ data: '{"channel":"a"}' }])
  })

  test('loses nothing when it comes to its maximal age', async () => {
    const { hub, stream } = await startStalled({ PIAZZA_STREAM_MAX_AGE: '2s' }, 'a,b')
    await passTime('its age', 2200)
    stream.resume()
    await stream.waitForClose(6000)
    const had = numbersOf(stream)
    expect(had).toEqual(range(1, had.length))
    const again = await openStream(hub.port, '/channels/a,b', {
      headers: { 'Last-Event-ID': lastIdOf(stream) },
    })
    const last = await publishBig(hub, COUNT + 1)
    await waitFor('the newest', () => idsOf(again).at(-1) === last)
    expect([...had, ...numbersOf(again)]).toEqual(range(1, COUNT + 1))
    expect(gapsOf(again)).toEqual([])
  })
})

test('a burst reaches streams of every kind as the same blocks', async () => {
  const hub = await startHub()
  const streams = [
    await openStream(hub.port, '/channels/a'),
    await openStream(hub.port, '/channels/a', { version: '1.0' }),
    await openStream(hub.port, '/channels/a,other'),
    await openStream(hub.port, '/channels/a?control=off'),
  ]
  const items = Array.from({ length: 1000 }, (_, i) => ({ channel: 'a', data: `${i}` }))
  const answers = await Promise.all([hub.publish(items), hub.publish(items)])
  expect(answers.map((answer) => answer.status)).toEqual([201, 201])
  for (const stream of streams) {
    await stream.waitForMessages(2000)
    expect(isRising(idsOf(stream))).toBe(true)
    expect(blocksOf(stream)).toBe(blocksOf(streams[0]!))
  }
  const replayed = await openStream(hub.port, '/channels/other,a?since=all')
  await replayed.waitForMessages(2000)
  expect(blocksOf(replayed)).toBe(blocksOf(streams[0]!))
})

test('readers that leave at any moment leave nothing behind', async () => {
  const hub = await startHub({ PIAZZA_LOG_MAX_BYTES: '64MiB' })
  for (const number of range(1, 10)) await publishBig(hub, number)
  const streams = await Promise.all(
    range(1, 40).map((i) => openStream(hub.port, `/channels/a,b?${i % 2 ? 'since=all' : ''}`)),
  )
  const publishing = Promise.all(range(11, 20).map((number) => publishBig(hub, number)))
  for (const stream of streams) stream.close()
  await publishing
  await waitFor('all to be gone', async () => (await hub.metric('piazza_streams')) === 0, 3000)
  expect(await hub.metric('piazza_streams_behind')).toBe(0)
  expect(await hub.metric('piazza_streams_opened_total')).toBe(40)
  const next = await openStream(hub.port, '/channels/a?last=1')
  await next.waitForMessages(1)
})

test('a reader with nothing to take is not cut as slow', async () => {
  const hub = await startHub({ PIAZZA_SLOW_STREAM_TIMEOUT: '1s' })
  const idle = await openStream(hub.port, '/channels/a')
  await idle.waitForEvents(1)
  await passTime('the timeout', 2000)
  await hub.send('a', '1')
  await idle.waitForMessages(1)
  expect(await hub.metric('piazza_streams')).toBe(1)
})
