import net from 'node:net'
import { waitFor } from './wait.ts'

/** Waits until a Redis server answers there. */
export async function waitForRedis(port: number): Promise<void> {
  await waitFor(`redis-server to answer at ${port}`, () => answers(port), 30_000)
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    const settle = (isAnswer: boolean) => {
      socket.destroy()
      resolve(isAnswer)
    }
    socket.on('error', () => settle(false))
    socket.on('close', () => settle(false))
    socket.on('data', (bytes) => settle(/^(\+PONG|-NOAUTH)/.test(bytes.toString('latin1'))))
    socket.on('connect', () => socket.write('PING\r\n'))
  })
}
