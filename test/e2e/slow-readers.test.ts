import { expect, test } from 'vitest'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { gapsOf, idsOf, isRising, passTime } from '../support/position.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'

const MB = 1_000_000

/** A message of `size` bytes that tells its number. */
const messageOf = (number: number, size: number) => `${number} `.padEnd(size, '.')

const numbersOf = (stream: RawStream) =>
  stream.messages.map((message) => Number.parseInt(message.data, 10))

const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)

/** What garbage collection leaves. RSS moves by more than this test wants to see. */
const usedBy = ({ heapUsed, external }: NodeJS.MemoryUsage) => heapUsed + external

/** Lets the reader take about so many bytes, then stalls it again. */
async function takeBytes({ socket }: RawStream, count: number): Promise<void> {
  const target = socket.bytesRead + count
  const stop = () => {
    if (socket.bytesRead >= target) socket.pause()
  }
  socket.on('data', stop)
  socket.resume()
  await waitFor(`${count} bytes`, () => socket.isPaused() || socket.closed, 5000)
  socket.off('data', stop)
}

const medianOf = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

/** A channel that a healthy reader follows, alone or beside stalled ones. */
async function followChannel(hub: HubProcess, channel: string) {
  const reader = await openStream(hub.port, `/channels/${channel}`)
  await reader.waitForEvents(1)
  let published = 0
  let delaysMs: number[] = []
  return {
    reader,
    /** Publishes so many messages at once, and waits until they are read. */
    publish: async (count: number, size: number) => {
      const items = range(1, count).map((k) => ({ channel, data: messageOf(published + k, size) }))
      published += count
      const startedMs = performance.now()
      await hub.publish(items)
      await reader.waitForMessages(published, 3000)
      delaysMs.push(performance.now() - startedMs)
    },
    /** Of one publish, since it was last asked. */
    takeMedianMs: () => {
      const medianMs = medianOf(delaysMs)
      delaysMs = []
      return medianMs
    },
  }
}

/**
 * The channel with stalled readers against one without: they take turns, so a busy machine slows both. And that one
 * against itself before anybody was stalled, with more room, since the machine may have become busier.
 */
function expectNoDelay(besideStalledMs: number, freeMs: number, aloneMs: number): void {
  expect(besideStalledMs).toBeLessThan(1.5 * freeMs)
  expect(freeMs).toBeLessThan(3 * aloneMs)
}

/** Messages of 1 MB to the stalled readers. */
const COUNT = 200
/** Published before anybody stalls: the log is full, and the hub has grown to what such messages cost anyway. */
const WARM_UP_COUNT = 20
/** By then the kernel takes nothing more for who is stalled. From then on a channel without such is measured beside. */
const COMPARED_FROM = 150
/** A young generation that can grow moves RSS by some 30 MB, whatever a reader costs. */
const TELLING_MEMORY = { tellsMemory: true, nodeOptions: ['--max-semi-space-size=1'] }

test('a stalled reader costs neither memory nor delay, then gets what is retained and the gap', async () => {
  const hub = await startHubProcess({}, TELLING_MEMORY)
  const big = await followChannel(hub, 'big')
  const free = await followChannel(hub, 'free')
  for (const channel of [big, free]) {
    for (let i = 0; i < WARM_UP_COUNT; i += 1) await channel.publish(1, MB)
  }
  const aloneMs = free.takeMedianMs()
  const before = await hub.memory()
  const stalled = await Promise.all(range(1, 5).map(() => openStream(hub.port, '/channels/big')))
  await Promise.all(stalled.map((stream) => stream.waitForEvents(1)))
  for (const stream of stalled) stream.pause()
  for (const number of range(WARM_UP_COUNT + 1, COUNT)) {
    if (number === COMPARED_FROM) big.takeMedianMs()
    await big.publish(1, MB)
    if (number >= COMPARED_FROM) await free.publish(1, MB)
  }
  expect(await hub.metric('piazza_streams_behind')).toBe(stalled.length)
  const after = await hub.memory()
  expect((usedBy(after) - usedBy(before)) / stalled.length / MB).toBeLessThan(2)
  expectNoDelay(big.takeMedianMs(), free.takeMedianMs(), aloneMs)
  expect(numbersOf(big.reader)).toEqual(range(1, COUNT))
  expect(gapsOf(big.reader)).toEqual([])

  for (const stream of stalled) {
    stream.resume()
    await waitFor('the newest message', () => numbersOf(stream).at(-1) === COUNT)
    const gaps = stream.control('gap')
    expect(gapsOf(stream)).toMatchObject([{ reason: 'evicted', channels: ['big'] }])
    const gapAt = stream.events.indexOf(gaps[0]!)
    const first = numbersOf(stream).slice(0, gapAt - 1)
    const last = numbersOf(stream).slice(gapAt - 1)
    expect(first).toEqual(range(WARM_UP_COUNT + 1, WARM_UP_COUNT + first.length))
    expect(last.length).toBeGreaterThanOrEqual(1)
    expect(last).toEqual(range(COUNT + 1 - last.length, COUNT))
    expect(first.length + last.length).toBeLessThan(COUNT - WARM_UP_COUNT)
    const ids = stream.events.map((event) => event.id!)
    expect(isRising(ids)).toBe(true)
    expect(stream.isClosed).toBe(false)
  }
  await hub.send('big', `${COUNT + 1} live`)
  await Promise.all(
    stalled.map((stream) => waitFor('a live one', () => numbersOf(stream).at(-1) === COUNT + 1)),
  )
}, 60_000)

test('fifty stalled readers cost a bounded batch each, and delay nobody', async () => {
  const hub = await startHubProcess({}, TELLING_MEMORY)
  const busy = await followChannel(hub, 'busy')
  const free = await followChannel(hub, 'free')
  for (const channel of [busy, free]) {
    for (let i = 0; i < 20; i += 1) await channel.publish(100, 10_000)
  }
  const aloneMs = free.takeMedianMs()
  const before = await hub.memory()
  const stalled = await Promise.all(range(1, 50).map(() => openStream(hub.port, '/channels/busy')))
  await Promise.all(stalled.map((stream) => stream.waitForEvents(1)))
  for (const stream of stalled) stream.pause()
  for (let i = 0; i < 30; i += 1) await busy.publish(100, 10_000)
  busy.takeMedianMs()
  for (let i = 0; i < 30; i += 1) {
    await busy.publish(100, 10_000)
    await free.publish(100, 10_000)
  }
  expect(await hub.metric('piazza_streams_behind')).toBe(stalled.length)
  const after = await hub.memory()
  expect((usedBy(after) - usedBy(before)) / stalled.length / MB).toBeLessThan(0.2)
  expectNoDelay(busy.takeMedianMs(), free.takeMedianMs(), aloneMs)
  expect(numbersOf(busy.reader)).toEqual(range(1, 8000))
}, 60_000)

test('a reader that takes no byte for the timeout is cut, and resumes by id without loss', async () => {
  const hub = await startHubProcess({
    PIAZZA_SLOW_STREAM_TIMEOUT: '1s',
    PIAZZA_LOG_MAX_BYTES: '64MiB',
  })
  const stalled = await openStream(hub.port, '/channels/big')
  await stalled.waitForEvents(1)
  stalled.pause()
  const startedMs = performance.now()
  for (let i = 1; i <= 30; i += 1) await hub.send('big', messageOf(i, MB))
  await waitFor(
    'the cut to be counted',
    async () => (await hub.metric('piazza_streams_closed_total{reason="slow"}')) === 1,
    3000,
  )
  expect(performance.now() - startedMs).toBeGreaterThan(900)
  expect(await hub.metric('piazza_streams')).toBe(0)
  stalled.resume()
  await stalled.waitForClose()
  expect(stalled.control('close')).toEqual([])
  const had = numbersOf(stalled)
  expect(had).toEqual(range(1, had.length))
  expect(had.length).toBeLessThan(30)

  const again = await openStream(hub.port, '/channels/big', {
    headers: { 'Last-Event-ID': idsOf(stalled).at(-1) ?? stalled.events[0]!.id! },
  })
  await again.waitForMessages(30 - had.length)
  expect([...had, ...numbersOf(again)]).toEqual(range(1, 30))
  expect(gapsOf(again)).toEqual([])
}, 30_000)

test('a reader that takes no byte is cut, also if it talks', async () => {
  const hub = await startHubProcess({
    PIAZZA_SLOW_STREAM_TIMEOUT: '1s',
    PIAZZA_LOG_MAX_BYTES: '64MiB',
  })
  const stalled = await openStream(hub.port, '/channels/big')
  await stalled.waitForEvents(1)
  stalled.pause()
  for (let i = 1; i <= 30; i += 1) await hub.send('big', messageOf(i, MB))
  const cut = async () => {
    stalled.socket.write('x')
    return (await hub.metric('piazza_streams_closed_total{reason="slow"}')) === 1
  }
  await waitFor('the cut to be counted', cut, 5000)
}, 30_000)

test('a reader that takes some bytes now and then of a big message is not cut', async () => {
  const hub = await startHubProcess({
    PIAZZA_SLOW_STREAM_TIMEOUT: '2s',
    PIAZZA_LOG_MAX_BYTES: '64MiB',
    PIAZZA_MAX_MESSAGE_BYTES: '8MiB',
    PIAZZA_MAX_BODY_BYTES: '9MiB',
  })
  const slow = await openStream(hub.port, '/channels/big')
  await slow.waitForEvents(1)
  slow.pause()
  // Each takes longer than the timeout at this pace: only progress within a message keeps the stream.
  const publishing = (async () => {
    for (const number of range(1, 4)) await hub.send('big', messageOf(number, 8 * MB))
  })()
  const startedMs = performance.now()
  while (performance.now() - startedMs < 6000) {
    await takeBytes(slow, 400_000)
    await passTime('the reader to idle', 200)
  }
  await publishing
  expect(await hub.metric('piazza_streams_closed_total{reason="slow"}')).toBe(0)
  expect(await hub.metric('piazza_streams_behind')).toBe(1)
  slow.resume()
  await slow.waitForMessages(4)
  expect(numbersOf(slow)).toEqual(range(1, 4))
  expect(slow.isClosed).toBe(false)
}, 30_000)
