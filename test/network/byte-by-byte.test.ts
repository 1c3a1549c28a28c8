import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { passTime } from '../support/position.ts'
import { waitFor } from '../support/wait.ts'
import { change, setKernel } from './namespace.ts'

const MiB = 1024 * 1024

/** A subscribed socket from which the kernel hands out a few bytes at a time, when asked. */
function openSlowReader(port: number) {
  const reader = { bytes: 0, take: 0 }
  const socket: net.Socket = net.connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer: Buffer.alloc(8),
      callback: (count) => {
        reader.bytes += count
        reader.take -= count
        return reader.take > 0
      },
    },
  })
  onTestFinished(() => {
    socket.destroy()
  })
  socket.write('GET /channels/big HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return {
    /** Takes so many more bytes, if they come. */
    take: (count: number) => {
      reader.take = count
      socket.resume()
    },
    get bytes() {
      return reader.bytes
    },
    get isClosed() {
      return socket.closed
    },
  }
}

test('a reader that takes some bytes now and then of a message of 1 MiB is not cut', async () => {
  // Small buffers and packets, as on a slow line: on loopback the kernel moves on by 64 KiB at a time.
  change('ip', 'link', 'set', 'lo', 'mtu', '1500')
  onTestFinished(() => {
    change('ip', 'link', 'set', 'lo', 'mtu', '65536')
  })
  setKernel('net.ipv4.tcp_rmem', '4096 4096 4096')
  setKernel('net.ipv4.tcp_wmem', '4096 4096 4096')
  const hub = await startHubProcess({ PIAZZA_SLOW_STREAM_TIMEOUT: '2s' })
  const reader = openSlowReader(hub.port)
  reader.take(Number.POSITIVE_INFINITY)
  await waitFor('the opening block', () => reader.bytes > 0)
  reader.take(0)
  await hub.send('big', 'x'.repeat(MiB - 100))
  for (let i = 0; i < 40; i += 1) {
    reader.take(200)
    await passTime('the reader to idle', 100)
  }
  expect(reader.isClosed).toBe(false)
  expect(reader.bytes).toBeLessThan(100_000)
  expect(await hub.metric('piazza_streams_behind')).toBe(1)
  expect(await hub.metric('piazza_streams_closed_total{reason="slow"}')).toBe(0)

  await waitFor(
    'the cut, once it takes nothing',
    async () => (await hub.metric('piazza_streams_closed_total{reason="slow"}')) === 1,
  )
}, 40_000)
