import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'
import { encodeRequest } from './request.ts'

/** Of answers that are many times what the kernel takes. */
const REQUESTS = 2000

test('a client that takes nothing of its answers is cut after a while, a quiet stream is not', async () => {
  const hub = await startHub()
  const { server } = hub.app.http
  expect(server.timeout).toBe(60_000)
  server.timeout = 500
  const stream = await openStream(hub.port, '/channels/a')
  const socket = net.connect(hub.port, '127.0.0.1')
  onTestFinished(() => {
    socket.destroy()
  })
  socket.on('error', () => {}).pause()
  const ask = encodeRequest(hub.port, 'GET', '/openapi.json')
  socket.write(Buffer.concat(Array.from({ length: REQUESTS }, () => ask)))
  const count = () =>
    new Promise<number>((resolve, reject) => {
      server.getConnections((error, of) => (error ? reject(error) : resolve(of)))
    })
  await waitFor('both', async () => (await count()) === 2)
  await waitFor('the client to be cut', async () => (await count()) === 1)
  await hub.send('a', 'still there')
  await stream.waitForMessages(1)
})
