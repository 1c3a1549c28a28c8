import net, { type AddressInfo } from 'node:net'
import { openFaultyProxy } from './faulty-proxy.ts'
import { type TestRedis } from './redis.ts'
import { startToxiproxy } from './toxiproxy.ts'

/** The way of one of a hub's two connections to its Redis. Each fault lasts until `mend`. */
export interface Line {
  /** Every connection ends; later ones are refused. */
  cut(): void | Promise<void>
  /** Nothing passes in either direction, and nobody is told: connections are half open. */
  freeze(): void | Promise<void>
  /** Everything is late by so much, in each direction. */
  delay(ms: number): void | Promise<void>
  limit(bytesPerSecond: number): void | Promise<void>
  /** Everything comes in pieces of a few bytes. */
  slice(): void | Promise<void>
  mend(): void | Promise<void>
}

export interface Lines {
  /** Where a hub finds its Redis. */
  readonly port: number
  readonly commands: Line
  readonly subscriber: Line
  stop(): Promise<void>
}

type LineName = 'commands' | 'subscriber'

/** By toxiproxy where Redis runs in a container, else by a proxy of our own. */
export async function startLines(redis: TestRedis): Promise<Lines> {
  const { addressInDocker } = redis
  if (addressInDocker !== undefined) {
    const toxiproxy = await startToxiproxy(addressInDocker, 2)
    return sortInto(toxiproxy.lines[0]!, toxiproxy.lines[1]!, () => toxiproxy.stop())
  }
  const [commands, subscriber] = [
    await openFaultyProxy(redis.port),
    await openFaultyProxy(redis.port),
  ]
  return sortInto(commands, subscriber, async () => {
    for (const proxy of [commands, subscriber]) proxy.close()
  })
}

/** Both connections of a hub go to one address: they are told apart by the names that they give themselves. */
async function sortInto(
  commands: Line & { readonly port: number },
  subscriber: Line & { readonly port: number },
  stop: () => Promise<void>,
): Promise<Lines> {
  const lines = { commands, subscriber }
  const sockets = new Set<net.Socket>()
  const server = net.createServer((client) => {
    let said = Buffer.alloc(0)
    let upstream: net.Socket | undefined
    const close = () => {
      client.destroy()
      upstream?.destroy()
      sockets.delete(client)
    }
    sockets.add(client)
    client.setNoDelay(true).on('error', close).on('close', close)
    client.on('data', (bytes: Buffer) => {
      if (upstream !== undefined) {
        upstream.write(bytes)
        return
      }
      said = Buffer.concat([said, bytes])
      const [, name] = /piazza:(commands|subscriber)/.exec(said.toString('latin1')) ?? []
      if (name === undefined) return
      upstream = net.connect(lines[name as LineName].port, '127.0.0.1')
      upstream.setNoDelay(true).on('error', close).on('close', close)
      upstream.on('data', (answer: Buffer) => client.write(answer))
      upstream.write(said)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    commands,
    subscriber,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await stop()
    },
  }
}
