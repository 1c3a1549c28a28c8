import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { request } from '../support/request.ts'
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

/** A publish of which the last byte never comes. */
function startPublish(port: number): void {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nh')
  onTestFinished(() => {
    socket.destroy()
  })
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

// One grace of 5 s for all; one after the other they were 10 s, and 15 s with two ports.
test.each([
  ['', {}],
  [', at two ports', { PIAZZA_INTERNAL_PORT: '0' }],
])(
  'nor do a socket that does not close and a half-sent request together%s',
  async (_, settings) => {
    const hub = await startHubProcess({ PIAZZA_DRAIN_TIME: '0s', ...settings })
    const internalPort = hub.internalPort === 0 ? hub.port : hub.internalPort
    const client = await openHalfOpen(hub.port)
    for (const port of new Set([hub.port, internalPort])) startPublish(port)
    expect((await request(internalPort, 'GET', '/livez')).status).toBe(200) // came after them
    hub.signal('SIGTERM')
    await waitFor('its end', () => client.hasEnd)
    const endedMs = performance.now()
    await hub.waitForExit(8000)
    expect(hub.exitCode).toBe(0)
    expect(performance.now() - endedMs).toBeGreaterThan(4500)
  },
)

test('both ports answer until the last socket has closed', async () => {
  const hub = await startHubProcess({ PIAZZA_DRAIN_TIME: '0s', PIAZZA_INTERNAL_PORT: '0' })
  const client = await openHalfOpen(hub.port)
  hub.signal('SIGTERM')
  await waitFor('its end', () => client.hasEnd)
  const endedMs = performance.now()
  const statusOf = async (method: string, path: string) =>
    (await request(hub.internalPort, method, path)).status
  await waitFor('4 s of answers', async () => {
    expect(await statusOf('GET', '/livez')).toBe(200)
    expect(await statusOf('GET', '/readyz')).toBe(503)
    expect(await statusOf('GET', '/metrics')).toBe(200)
    expect(await statusOf('POST', '/channels/a')).toBe(201)
    return performance.now() - endedMs > 4000
  })
  expect((await request(hub.port, 'GET', '/livez')).status).toBe(200)
  await hub.waitForExit(4000)
  expect(hub.exitCode).toBe(0)
})
