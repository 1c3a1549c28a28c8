import net, { type AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A TCP proxy on 127.0.0.1 between a hub and its Redis, that can misbehave. */
export interface FaultyProxy {
  readonly port: number
  /** Destroys every connection; later ones are refused until `mend`. */
  cut(): void
  /** Nothing passes in either direction, and nobody is told (a half-open connection), until `mend`. */
  freeze(): void
  /** Connections that have subscribed are deaf from now on: they stay open, and nothing comes. */
  deafen(): void
  /** Everything is late by so much, until `mend`. */
  delay(ms: number): void
  mend(): void
}

export async function startFaultyProxy(targetPort: number): Promise<FaultyProxy> {
  const sockets = new Set<net.Socket>()
  let isCut = false
  let isFrozen = false
  let delayMs = 0
  /** The sides of the hub of connections that have subscribed. */
  const subscribed = new Set<net.Socket>()
  const deaf = new Set<net.Socket>()
  const forward = (from: net.Socket, to: net.Socket) => {
    const late: Buffer[] = []
    from.on('data', (bytes: Buffer) => {
      if (/\bsubscribe\b/i.test(bytes.toString('latin1'))) subscribed.add(from)
      if (isFrozen || deaf.has(to)) return // lost, as on a line that is dead
      if (delayMs === 0 && late.length === 0) {
        to.write(bytes)
        return
      }
      late.push(bytes)
      setTimeout(() => to.write(late.shift()!), delayMs) // the oldest: nothing overtakes, whatever the delay was
    })
  }
  const server = net.createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    const upstream = net.connect(targetPort, '127.0.0.1')
    const close = () => {
      for (const socket of [client, upstream]) {
        socket.destroy()
        sockets.delete(socket)
      }
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true).on('error', close).on('close', close)
    }
    forward(client, upstream)
    forward(upstream, client)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    freeze: () => {
      isFrozen = true
    },
    deafen: () => {
      for (const socket of subscribed) deaf.add(socket)
    },
    delay: (ms) => {
      delayMs = ms
    },
    mend: () => {
      isCut = false
      delayMs = 0
      if (!isFrozen) return
      isFrozen = false
      for (const socket of sockets) socket.destroy() // what was lost is lost: such connections can't go on
    },
  }
}
