import net from 'node:net'
import tls from 'node:tls'

/** A socket to a hub on this machine: over TLS if an authority is given, whose word on it must be good. */
export function connect(port: number, authority: string | undefined): net.Socket {
  const address = { port, host: '127.0.0.1' }
  if (authority === undefined) return net.connect(address)
  return tls.connect({ ...address, ca: authority, servername: 'localhost' })
}
