import { EventSource } from 'eventsource'
import { expect, test } from 'vitest'
import { doctorCommand } from '../../src/cli/doctor.ts'
import { freePort } from '../support/free-port.ts'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'
import { expectFlow, follow } from './flow.ts'
import { type StartRight } from './recipes.ts'

const AWAY_MS = 10_000
const IDLE_SECONDS = 3

/** What holds behind any proxy that is set as docs/proxies.md says. */
export function describeRight(start: StartRight): void {
  test('the opening block and a message are there in under a second', async () => {
    const hub = await startHub()
    const port = await start([hub.port, hub.port])
    await expectFlow(hub, port)
  })

  test('a hub that is not there keeps nobody from the other', async () => {
    const hub = await startHub()
    const port = await start([await freePort(), hub.port])
    for (let i = 0; i < 4; i += 1) {
      const stream = await openStream(port, '/channels/a')
      expect(stream.status).toBe(200)
      await stream.waitForEvents(1, 2000)
      stream.close()
    }
  })

  test('heartbeats keep an idle stream for longer than the proxy lets nothing pass', async () => {
    const hub = await startHub({ PIAZZA_HEARTBEAT_INTERVAL: '1s' })
    const port = await start([hub.port, hub.port], { idleSeconds: IDLE_SECONDS })
    const stream = await openStream(port, '/channels/a')
    const startedMs = performance.now()
    const isOver = () => performance.now() - startedMs > 2.5 * IDLE_SECONDS * 1000
    await waitFor('more than the timeout', () => isOver() || stream.isClosed)
    expect(stream.isClosed).toBe(false)
    await hub.send('a', 'hello')
    await stream.waitForMessages(1, 1000)
  })

  test('without heartbeats it is cut: it is these that keep it', async () => {
    const hub = await startHub({ PIAZZA_HEARTBEAT_INTERVAL: 'off' })
    const port = await start([hub.port, hub.port], { idleSeconds: IDLE_SECONDS })
    const stream = await openStream(port, '/channels/a')
    await stream.waitForClose(2.5 * IDLE_SECONDS * 1000)
  })

  test('a proxy that compresses leaves the stream as it is', async () => {
    const hub = await startHub()
    const port = await start([hub.port, hub.port], { compresses: true })
    const stream = await openStream(port, '/channels/a', { headers: { 'accept-encoding': 'gzip' } })
    expect(stream.headers['content-encoding']).toBeUndefined()
    await hub.send('a', 'hello '.repeat(1000))
    await stream.waitForMessages(1, 1000)
  })

  test('the hub hears in under two seconds that a client has gone', async () => {
    const hub = await startHub()
    const port = await start([hub.port, hub.port])
    const stream = await openStream(port, '/channels/a')
    await stream.waitForEvents(1)
    expect(await hub.metric('piazza_streams')).toBe(1)
    stream.close()
    await waitFor('no stream', async () => (await hub.metric('piazza_streams')) === 0, 2000)
  })

  test('an EventSource lives through 10 s without any hub', { timeout: 40_000 }, async () => {
    const first = await startHub()
    const port = await start([first.port, first.port])
    const follower = follow(port)
    const { received, gaps } = follower
    await waitFor('the stream', () => follower.source.readyState === EventSource.OPEN)
    await first.send('a', 'before')
    await waitFor('a message', () => received.length === 1)
    await first.app.close(0)
    const awaySinceMs = performance.now()
    const isOver = () => performance.now() - awaySinceMs > AWAY_MS
    await waitFor('10 s to pass', () => isOver() || follower.gaveUpOn !== undefined, 2 * AWAY_MS)
    expect(follower.gaveUpOn).toBeUndefined()
    await expectComeBack(port)
    const second = await startHub({ PIAZZA_PORT: `${first.port}` })
    await waitFor('it to come back', async () => (await second.metric('piazza_streams')) === 1)
    await second.send('a', 'after')
    await waitFor('a message', () => received.length === 2)
    expect(received).toEqual(['before', 'after'])
    // a hub without Redis: what it had is gone, and it says so
    expect(gaps).toEqual([expect.stringContaining('"reset"')])
  })

  test('piazza doctor finds nothing wrong', async () => {
    const hub = await startHub()
    const url = `http://127.0.0.1:${await start([hub.port, hub.port])}`
    const lines: string[] = []
    const code = await doctorCommand([url, '--quick'], {}, (line) => lines.push(line))
    expect(lines.filter((line) => line.startsWith('wrong'))).toEqual([])
    expect(code).toBe(0)
  })

  test('nothing but subscribing passes', async () => {
    const hub = await startHub()
    const port = await start([hub.port, hub.port])
    expect((await request(port, 'POST', '/channels/a', {}, 'x')).status).toBe(403)
    expect((await request(port, 'DELETE', '/channels/a', {}, '')).status).toBe(403)
    for (const path of ['/publish', '/metrics', '/readyz']) {
      expect([403, 404]).toContain((await request(port, 'GET', path, {}, '')).status)
    }
  })
}

async function expectComeBack(port: number): Promise<void> {
  const retries = new Set<string>()
  for (let i = 0; i < 5; i += 1) {
    const headers = { origin: 'http://page.example' }
    const answer = await request(port, 'GET', '/channels/a', headers, '')
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'access-control-allow-origin': 'http://page.example',
      'access-control-allow-credentials': 'true',
      vary: 'Origin',
    })
    expect(answer.text).toMatch(/^: no hub answers\nretry: [1-4]\d{3}\n$/)
    retries.add(answer.text)
  }
  expect(retries.size).toBeGreaterThan(1)
}
