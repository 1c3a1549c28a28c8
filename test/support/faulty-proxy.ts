import net, { type AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { AT_ONCE, type Pace, paced } from './pace.ts'

type Held = 'announcements' | 'commands' | 'replies'
/** What comes on which connection, and from which side. */
type Kind = Held | 'orders'

/** A TCP proxy on 127.0.0.1 between a hub and its Redis, that can misbehave. */
export interface FaultyProxy {
  readonly port: number
  /** Destroys every connection; later ones are refused until `mend`. */
  cut(): void
  /** Nothing passes in either direction, and nobody is told (a half-open connection), until `mend`. */
  freeze(): void
  /** Connections that have subscribed are deaf from now on: they stay open, and nothing comes. */
  deafen(): void
  /** The same of one connection alone, and for good: one that replaces it is whole. */
  halfOpen(connection: 'commands' | 'subscriber'): void
  /** Everything is late by so much, until `mend`. */
  delay(ms: number): void
  /** No more than so much passes, until `mend`. */
  limit(bytesPerSecond: number): void
  /** Everything comes in pieces of a few bytes, until `mend`. */
  slice(): void
  /** What Redis announces, is asked or answers is on its way until `release`; nothing is lost. */
  hold(what: Held): void
  release(what: Held): void
  /** So many pieces are held. */
  readonly heldPieces: number
  mend(): void
  close(): void
}

const SLICED: Pace = { ...AT_ONCE, bytesPerSecond: 100_000, pieceBytes: 5 }

/** Closed with the test. */
export async function startFaultyProxy(targetPort: number): Promise<FaultyProxy> {
  const proxy = await openFaultyProxy(targetPort)
  onTestFinished(() => proxy.close())
  return proxy
}

export async function openFaultyProxy(targetPort: number): Promise<FaultyProxy> {
  const sockets = new Set<net.Socket>()
  let isCut = false
  let isFrozen = false
  let pace: Pace = AT_ONCE
  /** What comes from a socket, as far as it is known what the connection is used for. */
  const kinds = new Map<net.Socket, Kind>()
  const held = new Map<Held, (() => void)[]>()
  const deaf = new Set<net.Socket>()
  const forward = (from: net.Socket, to: net.Socket) => {
    const write = paced(to, () => pace)
    from.on('data', (bytes: Buffer) => {
      if (isFrozen || deaf.has(from)) return // lost, as on a line that is dead
      const kind = kinds.get(from)
      const pieces = kind && kind !== 'orders' ? held.get(kind) : undefined
      if (pieces !== undefined) {
        pieces.push(() => to.write(bytes))
        return
      }
      write(bytes)
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
        kinds.delete(socket)
      }
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true).on('error', close).on('close', close)
    }
    client.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1')
      if (text.includes('subscribe\r\n')) kinds.set(upstream, 'announcements').set(client, 'orders')
      if (text.includes('evalsha\r\n')) kinds.set(upstream, 'replies').set(client, 'commands')
    })
    forward(client, upstream)
    forward(upstream, client)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const release = (what: Held) => {
    for (const write of held.get(what) ?? []) write()
    held.delete(what)
  }
  const deafen = (...lost: readonly Kind[]) => {
    for (const [socket, kind] of kinds) if (lost.includes(kind)) deaf.add(socket)
  }
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    freeze: () => {
      isFrozen = true
    },
    deafen: () => deafen('announcements'),
    halfOpen: (connection) => {
      if (connection === 'commands') deafen('commands', 'replies')
      else deafen('orders', 'announcements')
    },
    delay: (ms) => {
      pace = { ...AT_ONCE, delayMs: ms }
    },
    limit: (bytesPerSecond) => {
      pace = { ...AT_ONCE, bytesPerSecond }
    },
    slice: () => {
      pace = SLICED
    },
    hold: (what) => {
      held.set(what, [])
    },
    release,
    get heldPieces() {
      return [...held.values()].reduce((sum, pieces) => sum + pieces.length, 0)
    },
    mend: () => {
      isCut = false
      pace = AT_ONCE
      if (!isFrozen) return
      isFrozen = false
      for (const socket of sockets) socket.destroy() // what was lost is lost: such connections can't go on
    },
    close: () => {
      cut()
      server.close()
    },
  }
}
