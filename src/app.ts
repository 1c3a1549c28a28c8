import { METHODS } from 'node:http'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { type Logger } from 'pino'
import { Access } from './auth/access.ts'
import { MemoryBroker } from './broker/memory/memory-broker.ts'
import { isOpenMode } from './config/read-config.ts'
import { type Config } from './config/settings.ts'
import { errors } from './errors.ts'
import { maxStreamsFromFileLimit } from './file-limit.ts'
import { authentication } from './http/plugins/authentication.ts'
import { corsHeaders } from './http/plugins/cors.ts'
import { answerClientError, answerError, errorAnswers } from './http/plugins/errors.ts'
import { originGuard } from './http/plugins/origin-guard.ts'
import { pipelining } from './http/plugins/pipelining.ts'
import { channelRoutes } from './http/routes/channel.ts'
import { healthRoutes } from './http/routes/health.ts'
import { metricsRoutes } from './http/routes/metrics.ts'
import { publishRoutes } from './http/routes/publish.ts'
import { refuseOtherMethods } from './http/routes/resource.ts'
import { rootRoutes } from './http/routes/root.ts'
import { subscribeRoutes } from './http/routes/subscribe.ts'
import { Hub } from './hub/hub.ts'
import { Metrics } from './metrics.ts'

/** 64 names of 200 characters, percent-encoded throughout. */
const MAX_PARAM_CHARACTERS = 64 * (200 + 1) * 3
/** Request line and headers: such a list of names, a long token and id. */
const MAX_HEADER_BYTES = 64 * 1024

/** The hub, its parts in the order of the flow. */
export interface App {
  readonly http: FastifyInstance
  readonly hub: Hub
  /** Open streams there may be; 0: no limit. */
  readonly maxStreams: number
  /** Stops gracefully: streams are sent away over `drainMs`, publishes are answered meanwhile. */
  close(drainMs: number): Promise<void>
}

export async function buildApp(config: Config, logger: Logger): Promise<App> {
  const metrics = new Metrics()
  const access = new Access({
    publishKeys: config.PIAZZA_PUBLISH_KEYS,
    anonymous: config.PIAZZA_ANONYMOUS,
    publicChannels: config.PIAZZA_PUBLIC_CHANNELS,
    isOpen: isOpenMode(config),
  })
  const broker = new MemoryBroker({
    maxMessages: config.PIAZZA_LOG_MAX_MESSAGES,
    maxAgeMs: config.PIAZZA_LOG_MAX_AGE,
    maxBytes: config.PIAZZA_LOG_MAX_BYTES,
    totalBytes: config.PIAZZA_LOG_TOTAL_BYTES,
    idempotencyMs: config.PIAZZA_IDEMPOTENCY_TIME,
    metrics,
  })
  const hub = new Hub({
    broker,
    metrics,
    heartbeatMs: config.PIAZZA_HEARTBEAT_INTERVAL,
    retryMinMs: config.PIAZZA_RETRY_MIN,
    retryMaxMs: config.PIAZZA_RETRY_MAX,
    streamMaxAgeMs: config.PIAZZA_STREAM_MAX_AGE,
    slowTimeoutMs: config.PIAZZA_SLOW_STREAM_TIMEOUT,
    logMaxAgeMs: config.PIAZZA_LOG_MAX_AGE,
  })
  const maxStreams = config.PIAZZA_MAX_STREAMS ?? maxStreamsFromFileLimit()
  const corsOrigins = config.PIAZZA_CORS_ORIGINS

  const http = createHttp(config, logger, metrics)
  await http.register(pipelining)
  await http.register(corsHeaders, { origins: corsOrigins })
  await http.register(errorAnswers, { metrics })
  http.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    refuseBodyOfGet(request.method, request.headers)
  })
  await http.register(originGuard, { isOpen: access.isOpen })
  await http.register(authentication, { access })

  await http.register(publishRoutes, {
    broker,
    metrics,
    corsOrigins,
    maxMessageBytes: config.PIAZZA_MAX_MESSAGE_BYTES,
  })
  await http.register(subscribeRoutes, {
    hub,
    metrics,
    maxStreams,
    status: config.PIAZZA_OVERLOAD_STATUS,
  })
  await http.register(channelRoutes, { broker, corsOrigins })
  await http.register(healthRoutes, { hub, broker })
  await http.register(metricsRoutes, { metrics })
  await http.register(rootRoutes)
  refuseOtherMethods(http, '/publish', ['POST'])
  refuseOtherMethods(http, '/channels/:name', ['GET', 'HEAD', 'POST', 'DELETE'])
  for (const url of ['/livez', '/readyz', '/metrics', '/']) {
    refuseOtherMethods(http, url, ['GET', 'HEAD'])
  }
  http.addHook('preClose', async () => hub.close()) // sockets that left node:http are not closed with it

  return {
    http,
    hub,
    maxStreams,
    close: async (drainMs) => {
      await hub.drain(drainMs)
      await http.close()
      await broker.close()
    },
  }
}

function createHttp(config: Config, logger: FastifyBaseLogger, metrics: Metrics): FastifyInstance {
  const http = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }), // never tokens, never per message
    bodyLimit: config.PIAZZA_MAX_BODY_BYTES,
    return503OnClosing: false, // a 503 would end an EventSource for good
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    http: { maxHeaderSize: MAX_HEADER_BYTES },
    rewriteUrl: ({ url = '/' }) => escapeMalformed(url),
    frameworkErrors: (error, request, reply) => answerError(metrics, error, request, reply),
    clientErrorHandler: (error, socket) => answerClientError(metrics, error, socket),
  })
  http.removeAllContentTypeParsers()
  const supported: readonly string[] = http.supportedMethods
  for (const method of METHODS) {
    if (method !== 'CONNECT' && !supported.includes(method)) {
      http.addHttpMethod(method)
    }
  }
  return http
}

/** A broken `%` escape is part of a name that is not valid, and is told so with the headers of its route. */
function escapeMalformed(url: string): string {
  if (!url.includes('%')) return url
  try {
    decodeURIComponent(url)
    return url
  } catch {
    return url.replaceAll('%', '%25')
  }
}

/** Nobody means one, and what is not read would stand before the next request. */
function refuseBodyOfGet(
  method: string,
  headers: { readonly [name: string]: string | string[] | undefined },
): void {
  if (method !== 'GET' && method !== 'HEAD') return
  const length = headers['content-length']
  if (headers['transfer-encoding'] === undefined && (length === undefined || length === '0')) return
  throw new errors.BODY_UNEXPECTED(`a ${method} takes no body`)
}
