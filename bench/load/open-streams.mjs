import net from 'node:net'
import { sleep } from './sleep.mjs'
import { Stream } from './stream.mjs'

/** Connects that are not answered yet. */
const BURST = 50

/** Opens `count` streams, the i-th on `channelOf(i)`; each has been sent its head and opening block. */
export async function openStreams(url, count, channelOf, onContentOf = () => undefined) {
  const { hostname, port } = new URL(url)
  const streams = []
  for (let i = 0; i < count; i += BURST) {
    const burst = Array.from({ length: Math.min(BURST, count - i) }, (_, k) => {
      const index = i + k
      return new Promise((resolve, reject) => {
        const socket = net.connect(Number(port), hostname)
        socket.once('error', reject)
        socket.once('data', () => resolve())
        streams.push(new Stream(socket, onContentOf(index)))
        socket.write(`GET /channels/${channelOf(index)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      })
    })
    await Promise.all(burst)
  }
  return streams
}

/** Closes them, and waits until the hub has seen it. */
export async function closeStreams(url, streams) {
  for (const stream of streams) stream.close()
  while ((await openCount(url)) > 0) await sleep(100)
}

async function openCount(url) {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^piazza_streams (\d+)$/m.exec(text)[1])
}
