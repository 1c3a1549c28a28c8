import { type FastifyInstance, type FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { errors } from '../../errors.ts'

export interface RequestRulesOptions {
  readonly maxUrlBytes: number
}

export const HEADERS_OF_ALL = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer', // the address may have a token in it
} as const

/** What every request must keep to, and what every answer carries. */
export const requestRules = plugin(
  async (app: FastifyInstance, { maxUrlBytes }: RequestRulesOptions) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.headers(HEADERS_OF_ALL)
      requireShortUrl(request, maxUrlBytes)
      requireHost(request)
      refuseBodyOfGet(request)
      done()
    })
  },
  { name: 'piazza-request-rules' },
)

function requireShortUrl({ originalUrl }: FastifyRequest, maxUrlBytes: number): void {
  if (originalUrl.length <= maxUrlBytes) return // node:http takes ASCII only
  throw new errors.URL_TOO_LONG(
    `the address has ${originalUrl.length} bytes, and ${maxUrlBytes} are taken at the most (PIAZZA_MAX_URL_BYTES)`,
  )
}

const HOST = 'host'

/** RFC 9112 §3.2. */
function requireHost({ raw }: FastifyRequest): void {
  const { rawHeaders } = raw // names and values in turn
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === HOST.length && name.toLowerCase() === HOST) hosts += 1
  }
  if (hosts === 1 || (hosts === 0 && raw.httpVersion === '1.0')) return
  throw new errors.REQUEST_INVALID(`an HTTP/1.1 request has one Host header, not ${hosts}`)
}

/** Nobody means one, and what is not read would stand before the next request. */
function refuseBodyOfGet(request: FastifyRequest): void {
  const { method, headers } = request
  if (method !== 'GET' && method !== 'HEAD') return
  if (request.routeOptions.config.isRefused === true) return
  const length = headers['content-length']
  if (headers['transfer-encoding'] === undefined && (length === undefined || length === '0')) return
  throw new errors.BODY_UNEXPECTED(`a ${method} takes no body`)
}
