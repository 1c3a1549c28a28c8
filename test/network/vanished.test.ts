import { type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'
import { setKernel, unplug } from './namespace.ts'

/** A stream whose client is cut off from the network, and one that stays. */
async function startWithVanished(settings: Record<string, string>): Promise<HubProcess> {
  const hub = await startHubProcess(settings)
  const vanished = await openStream(hub.port, '/channels/a')
  await vanished.waitForEvents(1)
  unplug((vanished.socket.address() as AddressInfo).port)
  await hub.send('a', 'never arrives')
  return hub
}

const streamsOf = (hub: HubProcess) => hub.metric('piazza_streams')

test('a client that vanished is closed when the kernel gives up sending', async () => {
  setKernel('net.ipv4.tcp_retries2', '3') // of 200 ms, 400 ms, …: some 3 s
  const hub = await startWithVanished({ PIAZZA_HEARTBEAT_INTERVAL: '1s' })
  const other = await openStream(hub.port, '/channels/a')
  expect(await streamsOf(hub)).toBe(2)
  await waitFor('it to be closed', async () => (await streamsOf(hub)) === 1, 15_000)
  expect(await hub.metric('piazza_streams_closed_total{reason="client"}')).toBe(1)
  await hub.send('a', 'next')
  await other.waitForMessages(1)
}, 30_000)

test('a client that vanished is closed 5 s after its maximal age at the latest', async () => {
  const hub = await startWithVanished({ PIAZZA_STREAM_MAX_AGE: '1s' })
  const startedMs = performance.now()
  await waitFor('it to be closed', async () => (await streamsOf(hub)) === 0, 15_000)
  expect(performance.now() - startedMs).toBeGreaterThan(4000)
  expect(await hub.metric('piazza_streams_closed_total{reason="max-age"}')).toBe(1)
}, 30_000)

test('a client that vanished holds up a drain for 5 s', async () => {
  const hub = await startWithVanished({ PIAZZA_DRAIN_TIME: '0s' })
  const startedMs = performance.now()
  hub.signal('SIGTERM')
  await hub.waitForExit(15_000)
  expect(hub.exitCode).toBe(0)
  expect(performance.now() - startedMs).toBeGreaterThan(4000)
}, 30_000)
