import { METHODS, type RequestListener } from 'node:http'
import { type Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { type TrustProxy } from '../config/trust-proxy.ts'
import { errors } from '../errors.ts'
import { type Metrics } from '../metrics.ts'
import { type Certificate, secureOptionsOf } from '../tls/certificate.ts'
import { toFastifyTrust } from './client-addresses.ts'
import { HEADERS_OF_ALL } from './plugins/request-rules.ts'
import { answerClientError, answerError, answerOnSocket } from './plugins/errors.ts'

export interface HttpOptions {
  readonly logger: FastifyBaseLogger
  readonly metrics: Metrics
  readonly trustProxy: TrustProxy
  readonly maxBodyBytes: number
  /** Of request line and headers: 64 names of 200 characters, a long token and id have room in 64 KiB. */
  readonly maxHeaderBytes: number
  readonly headerTimeoutMs: number
  /** A request must have arrived whole by then; a stream's has, when it begins. */
  readonly requestTimeoutMs: number
  readonly idleTimeoutMs: number
  /** Further ones are closed as they come. */
  readonly maxConnections: number
  /** It speaks TLS, with this one at first (`renewCertificate`). */
  readonly certificate: Certificate | undefined
}

/** Node looks only so often for what takes too long, and finds it late by as much. */
const MAX_CHECK_INTERVAL_MS = 5000
/** A client that takes no byte of its answer for so long is cut: node:http would wait for ever. Streams have their own. */
const STALLED_TIMEOUT_MS = 60_000
/** A handshake is two packets each way; Node would wait for 2 minutes. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/** The HTTP server, without routes. Whatever is refused before a route is reached is refused in the same words. */
export function createHttp(options: HttpOptions): FastifyInstance {
  const {
    logger,
    metrics,
    maxBodyBytes,
    maxHeaderBytes,
    headerTimeoutMs,
    certificate,
    maxConnections,
  } = options
  const limits = {
    maxHeaderSize: maxHeaderBytes,
    requireHostHeader: false, // request-rules asks for it, in words
    headersTimeout: headerTimeoutMs,
    connectionsCheckingInterval: Math.ceil(Math.min(MAX_CHECK_INTERVAL_MS, headerTimeoutMs / 2)),
  }
  const secure = certificate && {
    https: { ...limits, ...secureOptionsOf(certificate), handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
  }
  const http = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }), // never tokens, never per message
    childLoggerFactory: (parent) => parent, // a logger for each request costs more than its one line in a thousand is worth
    bodyLimit: maxBodyBytes,
    requestTimeout: options.requestTimeoutMs,
    connectionTimeout: STALLED_TIMEOUT_MS,
    keepAliveTimeout: options.idleTimeoutMs,
    trustProxy: toFastifyTrust(options.trustProxy),
    return503OnClosing: false, // a 503 would end an EventSource for good
    routerOptions: { maxParamLength: maxHeaderBytes }, // the route tells what is too long
    ...(secure ?? { http: limits }),
    rewriteUrl: ({ url = '/' }) => escapeMalformedPath(url),
    // no hook has run, and none will
    frameworkErrors: (error, request, reply) =>
      answerError(metrics, error, request, reply.headers(HEADERS_OF_ALL)),
    clientErrorHandler: (error, socket) => answerClientError(options, error, socket),
  })
  // Schemas are for openapi.json: routes check by themselves, in words that help, and answers are small.
  http.setValidatorCompiler(() => () => true)
  http.setReplySerializer((payload) => JSON.stringify(payload))
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
  // A failed handshake is no request: nothing can be answered to it
  http.server.prependListener('tlsClientError', (_error: Error, socket: Socket) => socket.destroy())
  return http
}

/** For connections from now on. */
export function renewCertificate({ server }: FastifyInstance, certificate: Certificate): void {
  if (server instanceof TlsServer) server.setSecureContext(secureOptionsOf(certificate))
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
