import { describe, expect, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'
import { expectFlow, expectGivesUp } from './flow.ts'
import { startHaproxy } from './proxy.ts'
import { COMPRESSION, startRightHaproxy } from './recipes.ts'
import { describeRight } from './right.ts'

describe('HAProxy as docs/proxies.md has it', () => {
  describeRight(startRightHaproxy)
})

/** HAProxy with what Debian's haproxy.cfg has, and these lines. */
async function startBare(hub: number, lines = ''): Promise<number> {
  const port = await freePort()
  const timeouts = '  timeout connect 5000\n  timeout client 50000\n  timeout server 50000\n'
  const listen = `listen readers\n  bind 127.0.0.1:${port}\n  server hub1 127.0.0.1:${hub}\n`
  await startHaproxy(`defaults\n  mode http\n${timeouts}${listen}${lines}`, port)
  return port
}

async function timeOpeningBlock(port: number): Promise<number> {
  const startedMs = performance.now()
  const stream = await openStream(port, '/channels/a')
  await stream.waitForEvents(1)
  return performance.now() - startedMs
}

describe('HAProxy set otherwise', () => {
  test("with Debian's defaults streams flow", async () => {
    const hub = await startHub()
    await expectFlow(hub, await startBare(hub.port))
  })

  test("with Debian's defaults an EventSource gives up on the 503 of a moment without a hub", async () => {
    const hub = await startHub()
    await expectGivesUp(hub, await startBare(hub.port), 503)
  })

  test('without http-no-delay it waits 0.2 s for more before it sends on', async () => {
    const hub = await startHub()
    const port = await startBare(hub.port)
    for (let i = 0; i < 3; i += 1) expect(await timeOpeningBlock(port)).toBeGreaterThan(150)
    const quick = await startBare(hub.port, '  option http-no-delay\n')
    const isQuick = async () => (await timeOpeningBlock(quick)) < 150
    await waitFor('one that did not wait', isQuick)
  })

  test('without abortonclose the hub does not hear for seconds that a client has gone', async () => {
    const hub = await startHub()
    const stream = await openStream(await startBare(hub.port), '/channels/a')
    await stream.waitForEvents(1)
    stream.close()
    await expectStreamsFor(hub, 1, 3000)
  })

  test('it compresses other answers, and leaves streams alone', async () => {
    const hub = await startHub()
    const port = await startBare(hub.port, COMPRESSION)
    const headers = { 'accept-encoding': 'gzip' }
    const document = await request(port, 'GET', '/openapi.json', headers)
    expect(document.headers['content-encoding']).toBe('gzip')
    const stream = await openStream(port, '/channels/a', { headers })
    expect(stream.headers['content-encoding']).toBeUndefined()
  })
})

async function expectStreamsFor(hub: TestHub, count: number, ms: number): Promise<void> {
  const startedMs = performance.now()
  await waitFor('the time to pass', async () => {
    expect(await hub.metric('piazza_streams')).toBe(count)
    return performance.now() - startedMs > ms
  })
}
