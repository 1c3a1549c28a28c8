import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../support/connect.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { openStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { startTlsHub } from '../support/tls-hub.ts'
import { waitFor } from '../support/wait.ts'

const INTERNAL = { PIAZZA_INTERNAL_PORT: '0' }

const livez = (port: number, ca?: string) => request(port, 'GET', '/livez', {}, '', ca)

/** Sends these bytes on a connection of its own; tells what came back. */
function send(port: number, bytes: string) {
  const socket = connect(port, undefined)
  const sent = { socket, received: '' }
  socket.on('error', () => {})
  socket.on('data', (piece) => {
    sent.received += piece.toString('latin1')
  })
  socket.write(bytes)
  onTestFinished(() => {
    socket.destroy()
  })
  return sent
}

test('while the public port waits for its last request, the internal one tells how it goes and takes publishes', async () => {
  const hub = await startHubProcess({ ...INTERNAL, PIAZZA_DRAIN_TIME: '0s' })
  const stream = await openStream(hub.port, '/channels/a')
  send(hub.port, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n') // never comes whole: the port waits for 5 s
  expect((await request(hub.internalPort, 'GET', '/readyz')).status).toBe(200)
  hub.signal('SIGTERM')
  await stream.waitForClose()
  expect(stream.control('close').map(({ data }) => data)).toEqual(['{"reason":"drain"}'])
  await waitFor('the public port to be closed', async () =>
    request(hub.port, 'GET', '/livez').then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
    ),
  )
  const statusOf = async (path: string) => (await request(hub.internalPort, 'GET', path)).status
  expect(await statusOf('/livez')).toBe(200)
  expect(await statusOf('/readyz')).toBe(503)
  expect(await statusOf('/metrics')).toBe(200)
  const published = await request(hub.internalPort, 'POST', '/channels/a', {}, 'late')
  expect(published.status).toBe(201)
  expect(hub.exitCode).toBeNull()
  await hub.waitForExit()
  expect(hub.exitCode).toBe(0)
})

test('a publish under way there at a stop is answered', async () => {
  const hub = await startHubProcess({ ...INTERNAL, PIAZZA_DRAIN_TIME: '0s' })
  const publish = 'POST /channels/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n'
  const sent = send(hub.internalPort, `${publish}Expect: 100-continue\r\n\r\n`)
  await waitFor('the hub to have it', () => sent.received.includes('100 Continue'))
  hub.signal('SIGTERM')
  await waitFor('the port to be closed', async () =>
    request(hub.port, 'GET', '/livez').then(
      () => false,
      () => true,
    ),
  )
  sent.socket.write('hello')
  await waitFor('the answer', () => sent.received.includes('HTTP/1.1 201'))
  await hub.waitForExit()
  expect(hub.exitCode).toBe(0)
})

test('both ports speak TLS, unless the internal one is told not to', async () => {
  const { hub, authority } = await startTlsHub(INTERNAL)
  for (const port of [hub.port, hub.internalPort]) {
    expect((await livez(port, authority.pem)).status).toBe(200)
    await expect(livez(port)).rejects.toThrow()
  }
  const plain = await startTlsHub({ ...INTERNAL, PIAZZA_INTERNAL_TLS: 'off' })
  expect((await livez(plain.hub.port, plain.authority.pem)).status).toBe(200)
  expect((await livez(plain.hub.internalPort)).status).toBe(200)
  await expect(livez(plain.hub.port)).rejects.toThrow()
})

test('it may have an address of its own', async () => {
  const hub = await startHubProcess({ ...INTERNAL, PIAZZA_INTERNAL_HOST: '127.0.0.2' })
  const started = hub.log.find((line) => line.includes('"started"'))
  expect(started).toContain(`"internalUrl":"http://127.0.0.2:${hub.internalPort}"`)
  await expect(request(hub.internalPort, 'GET', '/livez')).rejects.toThrow(/ECONNREFUSED/)
  const stream = await openStream(hub.port, '/channels/a')
  expect(stream.status).toBe(200)
})
