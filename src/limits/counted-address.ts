import ipaddr from 'ipaddr.js'

/** A customer of an IPv6 network has at least so much to choose addresses from: it is one client. */
const IPV6_PREFIX_PARTS = 4
/** Some proxies add the port. */
const WITH_PORT = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d+)?$/

/**
 * As what an address is counted: IPv6 by its first 64 bits, IPv4 in IPv6 as IPv4. What a trusted proxy passes on may be
 * no address at all: then the `peer`, whom the connection is with, is counted.
 */
export function countedAddress(address: string | undefined, peer: string | undefined): string {
  return parse(address) ?? parse(peer) ?? ''
}

function parse(text: string | undefined): string | undefined {
  if (text === undefined) return undefined // a unix socket
  const match = WITH_PORT.exec(text)
  const bare = match?.[1] ?? match?.[2] ?? text
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(bare) || ipaddr.IPv6.isValid(bare)
  if (!isAddress) return undefined
  const address = ipaddr.process(bare)
  if (address instanceof ipaddr.IPv4) return address.toString()
  return address.parts
    .slice(0, IPV6_PREFIX_PARTS)
    .map((part) => part.toString(16))
    .join(':')
}
