import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { Invalid } from './setting.ts'

/** Who may tell the address of a client: nobody, so many proxies before the hub, or those with these addresses. */
export type TrustProxy = 'off' | number | readonly string[]

const MAX_HOPS = 16
const MAX_PREFIX_BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 }

/**
 * Who trusts half of the internet trusts strangers, and two halves are all of it. A network this size has one owner who
 * can have proxies all over it; private ones are taken whole.
 */
const MIN_PREFIX_BITS: Readonly<Record<string, number>> = {
  uniqueLocal: 7, // fc00::/7
  linkLocal: 10, // fe80::/10
  ipv4Mapped: 96 + 8,
}
const MIN_IPV4_BITS = 8
const MIN_IPV6_BITS = 16

export function parseTrustProxy(text: string): TrustProxy {
  if (text === 'off') return text
  if (/^\d+$/.test(text)) return parseHops(text)
  return text.split(',').map((item) => parseNetwork(item.trim()))
}

function parseHops(text: string): number {
  const hops = Number(text)
  if (hops >= 1 && hops <= MAX_HOPS) return hops
  throw new Invalid(`off, or 1 to ${MAX_HOPS}: the number of proxies between clients and the hub`)
}

function parseNetwork(text: string): string {
  const [address = '', bits, ...rest] = text.split('/')
  const maxBits = MAX_PREFIX_BITS[isIP(address)]
  const isGood =
    maxBits !== undefined &&
    !address.includes('%') &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= maxBits))
  if (!isGood) {
    throw new Invalid(
      'off, a number of proxies such as 1, or their addresses such as 10.0.0.0/8,fd00::/8,192.0.2.7',
    )
  }
  if (bits === undefined || Number(bits) >= minBits(address)) return text
  throw new Invalid(
    `addresses of your proxies: ${text} is so wide that clients could name their own (at least /8, IPv6 /16; private ones whole)`,
  )
}

function minBits(text: string): number {
  const address = ipaddr.parse(text)
  if (address instanceof ipaddr.IPv4) return MIN_IPV4_BITS
  return MIN_PREFIX_BITS[address.range()] ?? MIN_IPV6_BITS
}

/** In words, for the log. */
export function describeTrustProxy(trust: TrustProxy): string {
  if (trust === 'off') return 'of the connection'
  if (typeof trust !== 'number') return `X-Forwarded-For of ${trust.join(',')}`
  return `X-Forwarded-For of ${trust === 1 ? 'the proxy' : `${trust} proxies`} before the hub`
}
