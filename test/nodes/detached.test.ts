import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { NODES } from '../support/nodes.ts'
import { gapsOf, lastIdOf, textsOf } from '../support/position.ts'
import { openStream } from '../support/raw-stream.ts'
import { startTlsHub } from '../support/tls-hub.ts'
import { waitFor } from '../support/wait.ts'

const HIDE_HTTP_LISTENERS = fileURLToPath(new URL('hide-http-listeners.mjs', import.meta.url))
/** More than the kernel's buffers take of a stalled reader, of 1 MB each. */
const MANY = 24

interface OverTls {
  readonly authority?: string
}

/** A stream's whole life: live, left by the client, resumed, behind, ended by the hub. */
async function expectStreamsToWork(hub: HubProcess, overTls: OverTls = {}): Promise<void> {
  const first = await openStream(hub.port, '/channels/a', overTls)
  const stalled = await openStream(hub.port, '/channels/a', overTls)
  await Promise.all([first, stalled].map((stream) => stream.waitForEvents(1)))
  stalled.pause()
  await hub.send('a', '1')
  await first.waitForMessages(1)
  first.close()
  await waitFor('it to be gone', async () => (await hub.metric('piazza_streams')) === 1)
  await hub.send('a', '2')
  const resumed = await openStream(hub.port, '/channels/a', {
    ...overTls,
    headers: { 'Last-Event-ID': lastIdOf(first) },
  })
  await resumed.waitForMessages(1)
  expect(textsOf(resumed)).toEqual(['2'])

  for (let i = 0; i < MANY; i += 1) await hub.send('a', 'x'.repeat(1_000_000))
  await resumed.waitForMessages(1 + MANY)
  expect(await hub.metric('piazza_streams_behind')).toBe(1)
  stalled.resume()
  await stalled.waitForMessages(2 + MANY)
  expect(gapsOf(stalled)).toEqual([])

  hub.signal('SIGTERM')
  await hub.waitForExit()
  expect(hub.exitCode).toBe(0)
  for (const stream of [stalled, resumed]) {
    await stream.waitForClose()
    expect(stream.control('close')).toHaveLength(1)
    expect(stream.isComplete).toBe(true)
  }
}

const SETTINGS = { PIAZZA_DRAIN_TIME: '0s', PIAZZA_LOG_MAX_BYTES: '64MiB' }

describe.each(NODES)('on Node %s', (_version, node) => {
  test('streams leave node:http, and work', async () => {
    const hub = await startHubProcess(SETTINGS, { node })
    const streams = await Promise.all(
      Array.from({ length: 50 }, () => openStream(hub.port, '/channels/b')),
    )
    expect(await hub.metric('piazza_streams')).toBe(50)
    expect(await hub.metric('piazza_streams_attached')).toBe(0)
    for (const stream of streams) stream.close()
    await waitFor('them to be gone', async () => (await hub.metric('piazza_streams')) === 0)
    await expectStreamsToWork(hub)
  })

  test('streams over TLS leave node:http, and work', async () => {
    const { hub, authority, open } = await startTlsHub(SETTINGS, { node })
    const streams = await Promise.all(Array.from({ length: 50 }, () => open('/channels/b')))
    expect(await hub.metric('piazza_streams')).toBe(50)
    expect(await hub.metric('piazza_streams_attached')).toBe(0)
    for (const stream of streams) stream.close()
    await waitFor('them to be gone', async () => (await hub.metric('piazza_streams')) === 0)
    await expectStreamsToWork(hub, { authority: authority.pem })
  })

  test('streams that cannot leave node:http are counted, and work', async () => {
    const hub = await startHubProcess(SETTINGS, { node, preload: HIDE_HTTP_LISTENERS })
    const stream = await openStream(hub.port, '/channels/b')
    await stream.waitForEvents(1)
    expect(await hub.metric('piazza_streams_attached')).toBe(1)
    stream.close()
    await waitFor('it to be gone', async () => (await hub.metric('piazza_streams')) === 0)
    await expectStreamsToWork(hub)
  })
})
