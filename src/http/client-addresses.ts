import { type FastifyBaseLogger, type FastifyRequest } from 'fastify'
import { type TrustProxy } from '../config/trust-proxy.ts'
import { countedAddress } from '../limits/counted-address.ts'

/**
 * What Fastify takes for `trustProxy`. The hops are a function, since it takes their bare number for nobody at all
 * (5.12): hop 0 is whoever the connection is with.
 */
export function toFastifyTrust(trust: TrustProxy) {
  if (trust === 'off') return false
  if (typeof trust === 'number') return (_address: string, hop: number) => hop < trust
  return [...trust]
}

/** As what the address of a client is counted. */
export class ClientAddresses {
  readonly #trust: TrustProxy
  readonly #log: FastifyBaseLogger
  #hasWarned = false

  constructor(trust: TrustProxy, log: FastifyBaseLogger) {
    this.#trust = trust
    this.#log = log
  }

  of(request: FastifyRequest): string {
    if (this.#trust === 'off') this.#warnOfProxy(request)
    return countedAddress(request.ip, request.raw.socket.remoteAddress)
  }

  /** Behind a proxy that is not trusted all clients are one. A client can forge the header too: it is said once. */
  #warnOfProxy({ headers }: FastifyRequest): void {
    if (this.#hasWarned || headers['x-forwarded-for'] === undefined) return
    this.#hasWarned = true
    const advice = 'if a proxy stands before the hub, name it in PIAZZA_TRUST_PROXY'
    this.#log.warn({ advice }, 'X-Forwarded-For is not trusted: its clients count as one address')
  }
}
