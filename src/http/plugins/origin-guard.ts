import { type FastifyInstance } from 'fastify'
import plugin from 'fastify-plugin'
import { errors, quote } from '../../errors.ts'

/** Host names under which a person reaches a hub on the own machine. */
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
const HOST = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/

export interface OriginGuardOptions {
  /** Everybody on this machine may do everything. */
  readonly isOpen: boolean
}

/** Open mode answers to local names only: a page whose own name was pointed at 127.0.0.1 gets nothing (DNS rebinding). */
export const originGuard = plugin(
  async (app: FastifyInstance, { isOpen }: OriginGuardOptions) => {
    if (!isOpen) return
    app.addHook('onRequest', ({ headers: { host = '' } }, _reply, done) => {
      const name = HOST.exec(host)?.[1]?.toLowerCase()
      if (name !== undefined && LOCAL_HOSTS.has(name)) {
        done()
        return
      }
      const message = `without access configured the hub answers to localhost, 127.0.0.1 and [::1] only, not to Host ${quote(host)}`
      throw new errors.HOST_FORBIDDEN(message)
    })
  },
  { name: 'piazza-origin-guard' },
)

/**
 * A page of another origin must not publish with what a browser adds by itself, or where nobody is asked (protocol
 * §7). Throws `ORIGIN_FORBIDDEN`.
 */
export function requireOwnOrigin(
  headers: { readonly origin?: string | undefined; readonly host?: string | undefined },
  corsOrigins: readonly string[],
): void {
  const { origin, host } = headers
  if (origin === undefined || corsOrigins.includes(origin)) return // `*` is for reading
  if (URL.canParse(origin)) {
    const { protocol } = new URL(origin)
    const own = `${protocol}//${host}`
    if (URL.canParse(own) && new URL(own).origin === origin) return
  }
  const message = `pages of ${quote(origin)} may not publish here without a token in a header: add it to PIAZZA_CORS_ORIGINS`
  throw new errors.ORIGIN_FORBIDDEN(message)
}
