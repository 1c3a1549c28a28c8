import { METHODS, type RequestListener } from 'node:http'
import { type Socket } from 'node:net'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { errors } from '../errors.ts'
import { type Metrics } from '../metrics.ts'
import { HEADERS_OF_ALL } from './plugins/request-rules.ts'
import { answerClientError, answerError, answerOnSocket } from './plugins/errors.ts'

export interface HttpOptions {
  readonly logger: FastifyBaseLogger
  readonly metrics: Metrics
  readonly maxBodyBytes: number
  /** Further ones are closed as they come. */
  readonly maxConnections: number
}

/** Request line and headers: 64 names of 200 characters, a long token and id. */
const MAX_HEADER_BYTES = 64 * 1024
/** A request must have arrived whole by then; a stream's has, when it begins. */
const REQUEST_TIMEOUT_MS = 60_000
/** A client that takes no byte of its answer for so long is cut: node:http would wait for ever. Streams have their own. */
const STALLED_TIMEOUT_MS = 60_000

/** The HTTP server, without routes. Whatever is refused before a route is reached is refused in the same words. */
export function createHttp(options: HttpOptions): FastifyInstance {
  const { logger, metrics, maxBodyBytes, maxConnections } = options
  const http = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }), // never tokens, never per message
    childLoggerFactory: (parent) => parent, // a logger for each request costs more than its one line in a thousand is worth
    bodyLimit: maxBodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: STALLED_TIMEOUT_MS,
    return503OnClosing: false, // a 503 would end an EventSource for good
    routerOptions: { maxParamLength: MAX_HEADER_BYTES }, // the route tells what is too long
    http: { maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false }, // request-rules asks for it, in words
    rewriteUrl: ({ url = '/' }) => escapeMalformedPath(url),
    // no hook has run, and none will
    frameworkErrors: (error, request, reply) =>
      answerError(metrics, error, request, reply.headers(HEADERS_OF_ALL)),
    clientErrorHandler: (error, socket) => answerClientError(metrics, error, socket),
  })
  // Schemas are for openapi.json: routes check by themselves, in words that help, and answers are small.
  http.setValidatorCompiler(() => () => true)
  http.setSerializerCompiler(() => JSON.stringify)
  http.removeAllContentTypeParsers()
  addAllMethods(http)
  refuseUnknownMethods(http, metrics)
  http.server.maxConnections = maxConnections
  http.server.on('drop', () => {
    metrics.connectionsRefused += 1
  })
  http.server.on('connect', (_request, socket) => {
    const message = 'CONNECT is not allowed: this is no proxy'
    answerOnSocket(metrics, new errors.METHOD_NOT_ALLOWED(message), socket as Socket)
  })
  http.server.on('checkExpectation', ({ socket }) => {
    const message = 'the only expectation that can be met is 100-continue'
    answerOnSocket(metrics, new errors.EXPECTATION_FAILED(message), socket)
  })
  return http
}

/** So that a resource answers 405 with `Allow` to those that Fastify does not know by itself. */
function addAllMethods(http: FastifyInstance): void {
  const supported: readonly string[] = http.supportedMethods
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !supported.includes(method)) http.addHttpMethod(method)
  }
}

/**
 * node:http takes a `PRI` without a version for a request. Fastify has no route for a method that Node does not name, not
 * even a 404: it would log all its routes.
 */
function refuseUnknownMethods({ server }: FastifyInstance, metrics: Metrics): void {
  const answers = server.listeners('request') as RequestListener[]
  const known: ReadonlySet<string> = new Set(METHODS)
  server.removeAllListeners('request')
  server.on('request', (request, response) => {
    const { method = '', socket } = request
    if (known.has(method)) for (const answer of answers) answer(request, response)
    else answerOnSocket(metrics, new errors.REQUEST_INVALID(`there is no method ${method}`), socket)
  })
}

/** A broken `%` escape is part of a name that is not valid, and is told so with the headers of its route. */
function escapeMalformedPath(url: string): string {
  if (!url.includes('%')) return url
  const [path = ''] = url.split('?', 1)
  try {
    decodeURIComponent(path)
    return url
  } catch {
    return path.replaceAll('%', '%25') + url.slice(path.length)
  }
}
