import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { waitFor } from '../support/wait.ts'

/** A client that reads to the end, and never closes its own side. */
async function openHalfOpen(port: number) {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const seen = { text: '', hasEnd: false }
  socket.setEncoding('latin1').on('data', (text: string) => {
    seen.text += text
  })
  socket.on('end', () => {
    seen.hasEnd = true
  })
  socket.on('error', () => {})
  onTestFinished(() => {
    socket.destroy()
  })
  socket.write('GET /channels/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await waitFor('the opening block', () => seen.text.includes('piazza.open'))
  return seen
}

test('a socket that does not close is destroyed 5 s after its maximal age', async () => {
  const hub = await startHubProcess({ PIAZZA_STREAM_MAX_AGE: '1s' })
  const client = await openHalfOpen(hub.port)
  await waitFor('its end', () => client.hasEnd)
  const endedMs = performance.now()
  expect(client.text).toContain('{"reason":"max-age"}')
  expect(await hub.metric('piazza_streams')).toBe(1)
  await waitFor('the hub to let go', async () => (await hub.metric('piazza_streams')) === 0, 8000)
  expect(performance.now() - endedMs).toBeGreaterThan(4500)
  expect(await hub.metric('piazza_streams_closed_total{reason="max-age"}')).toBe(1)
})

test('a socket that does not close holds up a drain for 5 s and no longer', async () => {
  const hub = await startHubProcess({ PIAZZA_DRAIN_TIME: '0s' })
  const client = await openHalfOpen(hub.port)
  hub.signal('SIGTERM')
  await waitFor('its end', () => client.hasEnd)
  const endedMs = performance.now()
  await hub.waitForExit(8000)
  expect(hub.exitCode).toBe(0)
  expect(performance.now() - endedMs).toBeGreaterThan(4500)
})
