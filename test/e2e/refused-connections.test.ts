import { once } from 'node:events'
import net from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { waitFor } from '../support/wait.ts'

const HOST = 'Host: localhost\r\n'
/** What is answered on the socket, without a response of node:http. */
const REFUSED = [
  ['a CONNECT', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`],
  ['what is no HTTP', 'garbage\r\n\r\n'],
  ['an expectation', `GET /livez HTTP/1.1\r\n${HOST}Expect: x\r\n\r\n`],
  ['a broken head behind a request', `GET /livez HTTP/1.1\r\n${HOST}\r\ngarbage\r\n\r\n`],
  [
    'a body that breaks off',
    `POST /channels/a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nx`,
  ],
] as const
const TIMES = 300

async function connect(port: number, text: string): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  socket.on('error', () => {})
  onTestFinished(() => {
    socket.destroy()
  })
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

test.each(REFUSED)(
  'a client that resets after %s does not end the hub',
  async (_, text) => {
    const hub = await startHubProcess()
    for (let i = 0; i < TIMES; i += 1) {
      const socket = await connect(hub.port, text)
      for (let turns = i % 4; turns > 0; turns -= 1) await turn()
      socket.resetAndDestroy()
    }
    await hub.send('a', 'still there')
    expect(hub.exitCode).toBe(null)
  },
  60_000,
)

test.each(REFUSED)(
  'a client that never closes after %s is let go after 5 s',
  async (_, text) => {
    const hub = await startHubProcess()
    const files = await hub.metric('process_open_fds')
    const sockets = await Promise.all(Array.from({ length: 20 }, () => connect(hub.port, text)))
    let ended = 0
    for (const socket of sockets) socket.resume().on('end', () => (ended += 1))
    await waitFor('all to be answered', () => ended === sockets.length)
    await waitFor(
      'the hub to let go',
      async () => (await hub.metric('process_open_fds')) <= files + 2,
      8000,
    )
  },
  60_000,
)
