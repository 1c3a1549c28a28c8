import net from 'node:net'
import { onTestFinished } from 'vitest'
import { waitFor } from './wait.ts'

/** Connects that wait for their answer at a time. */
const BURST = 100

/** Opens so many streams that nobody looks into; each has had its head. They are destroyed with the test. */
export async function openIdleStreams(
  port: number,
  count: number,
  pathOf: (i: number) => string = () => '/channels/idle',
): Promise<net.Socket[]> {
  const sockets: net.Socket[] = []
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  while (sockets.length < count) {
    const burst = Array.from({ length: Math.min(BURST, count - sockets.length) }, (_, k) =>
      openIdleStream(port, pathOf(sockets.length + k)),
    )
    const opened = burst.map(({ socket }) => socket)
    sockets.push(...opened)
    await waitFor(`${BURST} heads`, () => burst.every(({ hasHead }) => hasHead()), 30_000)
  }
  return sockets
}

function openIdleStream(port: number, path: string) {
  const socket = net.connect(port, '127.0.0.1')
  let bytes = 0
  socket.on('data', (piece) => {
    bytes += piece.length
  })
  socket.on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  return { socket, hasHead: () => bytes > 0 }
}
