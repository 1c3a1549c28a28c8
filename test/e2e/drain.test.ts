import net from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { startHub } from '../support/hub.ts'
import { gapsOf, idsOf, isRising, textsOf } from '../support/position.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

const CLOSE_BLOCK =
  /\n\nevent: piazza\.close\nretry: \d+\ndata: \{"reason":"drain"\}\nid: [a-z0-9-]{1,64}\n\n$/

/** Connects at a time. */
const BURST = 50

async function openMany(hub: HubProcess, count: number, path = '/channels/a') {
  const streams: RawStream[] = []
  while (streams.length < count) {
    const burst = Array.from({ length: Math.min(BURST, count - streams.length) }, () =>
      openStream(hub.port, path),
    )
    streams.push(...(await Promise.all(burst)))
  }
  await waitFor('all opening blocks', () => streams.every(({ events }) => events.length > 0))
  return streams
}

/** A connection that sends these bytes and waits. */
function connect(port: number, bytes: string): net.Socket {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(bytes)
  onTestFinished(() => {
    socket.destroy()
  })
  return socket
}

/** Signals the hub, and waits until it has heard it. */
async function startDraining(hub: HubProcess): Promise<void> {
  hub.signal('SIGTERM')
  await waitFor(
    'readiness to be off',
    async () => (await request(hub.port, 'GET', '/readyz')).status === 503,
    3000,
  )
}

describe('a drain of 2 s with 1000 streams', () => {
  test('closes them spread over it, with word and retry, and answers publishes meanwhile', async () => {
    const hub = await startHubProcess({ PIAZZA_DRAIN_TIME: '2s' })
    const streams = await openMany(hub, 1000)
    const closedMs: number[] = []
    for (const { socket } of streams) {
      socket.once('close', () => closedMs.push(performance.now()))
    }
    const sent = [await hub.send('a', 'before')]
    const startedMs = performance.now()
    await startDraining(hub)

    const refused = await request(hub.port, 'GET', '/channels/a')
    expect(refused.status).toBe(200)
    expect(refused.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'piazza-refused': 'draining',
    })
    expect(refused.text).toMatch(/^retry: \d+$/m)

    await waitFor(
      'three quarters of the streams to be closed',
      async () => {
        sent.push(await hub.send('a', `${sent.length}`))
        return closedMs.length >= 750
      },
      6000,
    )
    await hub.waitForExit(6000)
    expect(hub.exitCode).toBe(0)
    await waitFor('all closes', () => closedMs.length === 1000, 3000)

    const tookMs = closedMs.at(-1)! - startedMs
    expect(tookMs).toBeGreaterThan(1000)
    expect(tookMs).toBeLessThan(6000)
    // Paced: no quarter of the time has more than half of the closes.
    for (let quarter = 0; quarter < 4; quarter += 1) {
      const fromMs = startedMs + (quarter * tookMs) / 4
      const closes = closedMs.filter((ms) => ms >= fromMs && ms < fromMs + tookMs / 4)
      expect(closes.length, `quarter ${quarter}`).toBeLessThan(500)
    }

    for (const stream of streams) {
      expect(stream.isComplete).toBe(true)
      expect(stream.body).toMatch(CLOSE_BLOCK)
      expect(stream.raw.endsWith('\r\n0\r\n\r\n')).toBe(true)
      expect(isRising(idsOf(stream))).toBe(true)
      // Its position covers what it was sent, and nothing else: neither loss nor repeat after a return.
      const closeId = stream.control('close')[0]!.id!
      expect(idsOf(stream)).toEqual(sent.filter((id) => id <= closeId))
    }
    expect(new Set(streams.map((stream) => stream.retry)).size).toBeGreaterThan(500)
    expect(Math.max(...streams.map((stream) => idsOf(stream).length))).toBeGreaterThan(1)
  }, 30_000)
})

describe('a drain', () => {
  test('of 0s closes all at once', async () => {
    const hub = await startHubProcess({ PIAZZA_DRAIN_TIME: '0s' })
    const streams = await openMany(hub, 1000)
    const startedMs = performance.now()
    hub.signal('SIGTERM')
    await waitFor('all closes', () => streams.every(({ isClosed }) => isClosed), 5000)
    await hub.waitForExit(3000)
    expect(hub.exitCode).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(6000)
    for (const stream of streams) expect(stream.body).toMatch(CLOSE_BLOCK)
  })

  test('ends at once where nobody is subscribed, also on SIGINT', async () => {
    const hub = await startHubProcess()
    hub.signal('SIGINT')
    await hub.waitForExit(3000)
    expect(hub.exitCode).toBe(0)
  })

  test('is cut short by a second SIGTERM, with exit code 1', async () => {
    const hub = await startHubProcess({ PIAZZA_DRAIN_TIME: '20s' })
    await openMany(hub, 1000)
    await startDraining(hub)
    expect(hub.exitCode).toBeNull()
    hub.signal('SIGTERM')
    await hub.waitForExit(1500)
    expect(hub.exitCode).toBe(1)
  })

  test('is not held up by a reader that takes nothing', async () => {
    const hub = await startHubProcess({ PIAZZA_DRAIN_TIME: '1s', PIAZZA_LOG_MAX_BYTES: '64MiB' })
    const [stalled] = await openMany(hub, 1)
    stalled!.pause()
    for (let i = 0; i < 24; i += 1) await hub.send('a', `${i}`.padEnd(1_000_000, '.'))
    await waitFor(
      'the reader to be behind',
      async () => (await hub.metric('piazza_streams_behind')) === 1,
    )
    hub.signal('SIGTERM')
    await hub.waitForExit(10_000)
    expect(hub.exitCode).toBe(0)
  })

  test('waits for requests that have not come whole, but not for ever', async () => {
    const hub = await startHubProcess({ PIAZZA_DRAIN_TIME: '0s' })
    const post = 'POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nh'
    for (const never of ['', 'GET /livez HTTP/1.1\r\nHost: loc', post]) connect(hub.port, never)
    const late = connect(hub.port, post)
    let answer = ''
    late.on('data', (bytes) => {
      answer += bytes.toString()
    })
    await request(hub.port, 'GET', '/livez') // came after them
    hub.signal('SIGTERM')
    await waitFor('the signal', () => hub.log.some((line) => line.includes('"draining"')), 3000)
    late.write('i')
    await waitFor('the answer to the one that came whole', () => answer.includes(' 201 '), 3000)
    expect(hub.exitCode).toBeNull()
    await hub.waitForExit(8000)
    expect(hub.exitCode).toBe(0)
  })

  test('is not needed for a server to close: sockets that have left node:http are cut', async () => {
    const { app, port } = await startHub()
    const stream = await openStream(port, '/channels/a')
    await stream.waitForEvents(1)
    const closing = app.http.close()
    await stream.waitForClose(3000)
    await closing
    expect(stream.isComplete).toBe(false)
  })

  test('lets a stream come back to a fresh hub, which tells what the memory log lost', async () => {
    const former = await startHubProcess({ PIAZZA_DRAIN_TIME: '0s' })
    const [stream] = await openMany(former, 1)
    await former.send('a', 'known')
    await stream!.waitForMessages(1)
    former.signal('SIGTERM')
    await stream!.waitForClose(3000)
    const id = stream!.control('close')[0]!.id!
    const hub = await startHubProcess()
    await hub.send('a', 'new')
    const again = await openStream(hub.port, '/channels/a', { headers: { 'Last-Event-ID': id } })
    await again.waitForMessages(1)
    expect(gapsOf(again)).toMatchObject([{ reason: 'reset', after: id }])
    expect(again.events[1]?.event).toBe('piazza.gap')
    expect(textsOf(again)).toEqual(['new'])
  })
})
