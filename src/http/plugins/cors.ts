import cors from '@fastify/cors'
import { type FastifyInstance } from 'fastify'
import plugin from 'fastify-plugin'

export interface CorsOptions {
  /** Origins, or `*`; none: no CORS headers. */
  readonly origins: readonly string[]
}

export const ALLOWED_METHODS = ['GET', 'HEAD', 'POST', 'DELETE']
export const ALLOWED_HEADERS = [
  'Last-Event-ID',
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'Cache-Control',
]
export const EXPOSED_HEADERS = ['Retry-After', 'Piazza-Refused']
const PREFLIGHT_CACHE_SECONDS = 86_400

/** CORS (protocol §7), on streams and errors alike. Without origins no page of another origin can read an answer. */
export const corsHeaders = plugin(
  async (app: FastifyInstance, { origins }: CorsOptions) => {
    if (origins.length === 0) return
    const isAny = origins.includes('*')
    await app.register(cors, {
      // A function, so that other origins get no header at all, not even the list of exposed ones.
      origin: (origin, callback) => {
        const isListed = isAny || (origin !== undefined && origins.includes(origin))
        callback(null, isListed && (isAny ? '*' : (origin as string)))
      },
      credentials: !isAny,
      methods: ALLOWED_METHODS,
      allowedHeaders: ALLOWED_HEADERS,
      exposedHeaders: EXPOSED_HEADERS,
      maxAge: PREFLIGHT_CACHE_SECONDS,
      strictPreflight: false,
      preflightContinue: true, // the route's own OPTIONS adds Allow
    })
  },
  { name: 'piazza-cors' },
)
