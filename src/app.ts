import { type FastifyInstance } from 'fastify'
import { type Logger } from 'pino'
import { Access } from './auth/access.ts'
import { type Broker } from './broker/broker.ts'
import { createBroker } from './broker/create-broker.ts'
import { isOpenMode } from './config/access-contradictions.ts'
import { type Config } from './config/settings.ts'
import { tokenOptionsOf } from './config/token-options.ts'
import { maxConnectionsFromFileLimit, maxStreamsFromFileLimit } from './file-limit.ts'
import { maxLogBytesFromHeap } from './heap-limit.ts'
import { createHttp } from './http/create-http.ts'
import { authentication } from './http/plugins/authentication.ts'
import { corsHeaders } from './http/plugins/cors.ts'
import { errorAnswers } from './http/plugins/errors.ts'
import { originGuard } from './http/plugins/origin-guard.ts'
import { pipelining } from './http/plugins/pipelining.ts'
import { requestRules } from './http/plugins/request-rules.ts'
import { channelRoutes } from './http/routes/channel.ts'
import { healthRoutes } from './http/routes/health.ts'
import { inspectRoutes } from './http/routes/inspect.ts'
import { metricsRoutes } from './http/routes/metrics.ts'
import { openapiRoute } from './http/routes/openapi.ts'
import { publishRoutes } from './http/routes/publish.ts'
import { refuseOtherMethods } from './http/routes/resource.ts'
import { rootRoutes } from './http/routes/root.ts'
import { subscribeRoutes } from './http/routes/subscribe.ts'
import { Hub } from './hub/hub.ts'
import { Metrics } from './metrics.ts'

/** So long requests that have not come whole may still take when the streams have gone. */
const CLOSE_GRACE_MS = 5000

const READ_ONLY_ROUTES = [
  '/channels',
  '/channels/:name/history',
  '/channels/:name/stats',
  '/livez',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/',
]

/** The hub, its parts in the order of the flow. */
export interface App {
  readonly broker: Broker
  readonly http: FastifyInstance
  readonly hub: Hub
  /** Open streams there may be; 0: no limit. */
  readonly maxStreams: number
  /** Stops gracefully: streams are sent away over `drainMs`, publishes are answered meanwhile. */
  close(drainMs: number): Promise<void>
}

/** `nodeOptions`: what Node was started with. */
export async function buildApp(config: Config, logger: Logger, nodeOptions = ''): Promise<App> {
  const metrics = new Metrics()
  const access = new Access({
    publishKeys: config.PIAZZA_PUBLISH_KEYS,
    publishKeysFile: config.PIAZZA_PUBLISH_KEYS_FILE,
    tokens: tokenOptionsOf(config),
    anonymous: config.PIAZZA_ANONYMOUS,
    publicChannels: config.PIAZZA_PUBLIC_CHANNELS,
    isOpen: isOpenMode(config),
    log: logger,
  })
  const broker = createBroker({
    maxMessages: config.PIAZZA_LOG_MAX_MESSAGES,
    maxAgeMs: config.PIAZZA_LOG_MAX_AGE,
    maxBytes: config.PIAZZA_LOG_MAX_BYTES,
    totalBytes: fitIntoHeap(config.PIAZZA_LOG_TOTAL_BYTES, nodeOptions, logger),
    idempotencyMs: config.PIAZZA_IDEMPOTENCY_TIME,
    metrics,
    log: logger,
    redis: config.PIAZZA_REDIS_URL && {
      url: config.PIAZZA_REDIS_URL,
      prefix: config.PIAZZA_REDIS_PREFIX,
      ca: config.PIAZZA_REDIS_CA_FILE,
      cert: config.PIAZZA_REDIS_CERT_FILE,
      key: config.PIAZZA_REDIS_KEY_FILE,
      sentinels: config.PIAZZA_REDIS_SENTINELS,
      sentinelMaster: config.PIAZZA_REDIS_SENTINEL_MASTER,
      sentinelPassword: config.PIAZZA_REDIS_SENTINEL_PASSWORD,
    },
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

  const http = createHttp({
    logger,
    metrics,
    maxBodyBytes: config.PIAZZA_MAX_BODY_BYTES,
    maxConnections: maxConnectionsFromFileLimit(),
  })
  await http.register(pipelining)
  await http.register(corsHeaders, { origins: corsOrigins })
  await http.register(requestRules)
  await http.register(originGuard, { isOpen: access.isOpen })
  await http.register(errorAnswers, { metrics })
  await http.register(authentication, {
    access,
    cookieName: config.PIAZZA_COOKIE_NAME,
    isQueryTaken: config.PIAZZA_QUERY_TOKEN === 'on',
  })
  await http.register(openapiRoute)

  await http.register(publishRoutes, {
    broker,
    metrics,
    corsOrigins,
    maxMessageBytes: config.PIAZZA_MAX_MESSAGE_BYTES,
  })
  await http.register(subscribeRoutes, {
    broker,
    hub,
    metrics,
    maxStreams,
    status: config.PIAZZA_OVERLOAD_STATUS,
  })
  await http.register(channelRoutes, { broker, corsOrigins })
  await http.register(inspectRoutes, { broker, hub })
  await http.register(healthRoutes, { hub, broker })
  await http.register(metricsRoutes, { metrics })
  await http.register(rootRoutes)
  refuseOtherMethods(http, '/publish', ['POST'])
  refuseOtherMethods(http, '/channels/:name', ['GET', 'HEAD', 'POST', 'DELETE'])
  for (const url of READ_ONLY_ROUTES) {
    refuseOtherMethods(http, url, ['GET', 'HEAD'])
  }
  http.addHook('preClose', async () => hub.close()) // sockets that left node:http are not closed with it

  return {
    broker,
    http,
    hub,
    maxStreams,
    close: async (drainMs) => {
      await hub.drain(drainMs)
      // node:http gives up its own timeouts when it closes: what never comes whole would hold the process for ever
      setTimeout(() => http.server.closeAllConnections(), CLOSE_GRACE_MS).unref()
      await http.close()
      access.close()
      await broker.close()
    },
  }
}

/** A log larger than the heap would end the process: it is cut to what fits, and that is said. */
function fitIntoHeap(configuredBytes: number, nodeOptions: string, logger: Logger): number {
  const fittingBytes = maxLogBytesFromHeap(nodeOptions)
  if (configuredBytes <= fittingBytes) return configuredBytes
  const advice =
    'give Node more with NODE_OPTIONS=--max-old-space-size=<MiB>, or set PIAZZA_LOG_TOTAL_BYTES lower'
  logger.warn(
    { configuredBytes, fittingBytes, advice },
    'the logs are cut to what fits into the heap',
  )
  return fittingBytes
}
