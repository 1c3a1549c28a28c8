import net from 'node:net'
import { onTestFinished } from 'vitest'

/** A TCP proxy on 127.0.0.1 that can cut what passes through it. */
export interface CuttingProxy {
  readonly url: string
  /** Connections accepted so far. */
  readonly connections: number
  /** Cuts every connection at once, and each later one after so many bytes to the client; undefined: none. */
  cut(afterBytes?: number): void
}

/** Stands between clients and the hub at `port`; closed with the test. */
export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  const open = new Set<net.Socket>()
  let limit = Number.POSITIVE_INFINITY
  let connections = 0
  const server = net.createServer((client) => {
    connections += 1
    const upstream = net.connect(port, '127.0.0.1')
    let left = limit
    const close = () => {
      client.destroy()
      upstream.destroy()
      open.delete(client)
    }
    open.add(client)
    client.on('error', close).on('close', close)
    upstream.on('error', close).on('close', close)
    client.pipe(upstream)
    upstream.on('data', (bytes: Buffer) => {
      client.write(bytes.subarray(0, left))
      left -= bytes.length
      if (left <= 0) client.end()
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const cut = (afterBytes = Number.POSITIVE_INFINITY) => {
    limit = afterBytes
    for (const client of open) client.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  const address = server.address() as net.AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    get connections() {
      return connections
    },
    cut,
  }
}
