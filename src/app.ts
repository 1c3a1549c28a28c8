import { type FastifyInstance } from 'fastify'
import { type Logger } from 'pino'
import { Access } from './auth/access.ts'
import { type Broker } from './broker/broker.ts'
import { createBroker } from './broker/create-broker.ts'
import { isOpenMode } from './config/access-contradictions.ts'
import { type Config } from './config/settings.ts'
import { tokenOptionsOf } from './config/token-options.ts'
import { maxStreamsFromFileLimit } from './file-limit.ts'
import { maxLogBytesFromHeap } from './heap-limit.ts'
import { ClientAddresses } from './http/client-addresses.ts'
import { createHttp, renewCertificate } from './http/create-http.ts'
import { authentication } from './http/plugins/authentication.ts'
import { corsHeaders } from './http/plugins/cors.ts'
import { errorAnswers } from './http/plugins/errors.ts'
import { originGuard } from './http/plugins/origin-guard.ts'
import { pipelining } from './http/plugins/pipelining.ts'
import { requestRules } from './http/plugins/request-rules.ts'
import { channelRoutes } from './http/routes/channel.ts'
import { livezRoute, readyzRoute } from './http/routes/health.ts'
import { inspectRoutes } from './http/routes/inspect.ts'
import { metricsRoutes } from './http/routes/metrics.ts'
import { openapiRoute } from './http/routes/openapi.ts'
import { publishRoutes } from './http/routes/publish.ts'
import { refuseOtherMethods } from './http/routes/resource.ts'
import { rootRoutes } from './http/routes/root.ts'
import { subscribeRoutes } from './http/routes/subscribe.ts'
import { Hub } from './hub/hub.ts'
import { LoopLag } from './limits/loop-lag.ts'
import { PublishLimits } from './limits/publish-limits.ts'
import { StreamLimits } from './limits/stream-limits.ts'
import { Metrics } from './metrics.ts'
import { CertificateRenewal, type CertificateRenewalOptions } from './tls/certificate-renewal.ts'

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

/** What a port serves (protocol §8). */
type Scope = 'all' | 'internal' | 'public'

/** The hub, its parts in the order of the flow. */
export interface App {
  readonly broker: Broker
  readonly http: FastifyInstance
  /** Of `PIAZZA_INTERNAL_PORT`. */
  readonly internalHttp: FastifyInstance | undefined
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
  const addresses = new ClientAddresses(config.PIAZZA_TRUST_PROXY, logger)
  const publishLimits = new PublishLimits({
    messages: config.PIAZZA_PUBLISH_RATE,
    bytes: config.PIAZZA_PUBLISH_BYTE_RATE,
  })
  const streamLimits = new StreamLimits({
    perAddress: config.PIAZZA_MAX_STREAMS_PER_IP,
    perSubject: config.PIAZZA_MAX_STREAMS_PER_SUBJECT,
    perChannel: config.PIAZZA_MAX_STREAMS_PER_CHANNEL,
    rate: config.PIAZZA_STREAM_RATE,
    ratePerAddress: config.PIAZZA_STREAM_RATE_PER_IP,
  })
  const lag = new LoopLag()
  const maxStreams = chooseMaxStreams(config.PIAZZA_MAX_STREAMS, logger)
  const corsOrigins = config.PIAZZA_CORS_ORIGINS

  /** One for each port: the public one first. */
  const doors: FastifyInstance[] = []
  const certificate = renewalOf(config, {
    metrics,
    log: logger,
    onCertificate: (renewed) => {
      for (const door of doors) renewCertificate(door, renewed)
    },
  })
  const openDoor = async (scope: Scope): Promise<FastifyInstance> => {
    const isTls = scope !== 'internal' || config.PIAZZA_INTERNAL_TLS === 'on'
    const http = createHttp({
      logger,
      metrics,
      trustProxy: config.PIAZZA_TRUST_PROXY,
      maxBodyBytes: config.PIAZZA_MAX_BODY_BYTES,
      maxHeaderBytes: config.PIAZZA_MAX_HEADER_BYTES,
      headerTimeoutMs: config.PIAZZA_HEADER_TIMEOUT,
      requestTimeoutMs: config.PIAZZA_REQUEST_TIMEOUT,
      idleTimeoutMs: config.PIAZZA_IDLE_TIMEOUT,
      certificate: isTls ? certificate?.current : undefined,
    })
    doors.push(http)
    await http.register(pipelining)
    await http.register(corsHeaders, { origins: corsOrigins })
    await http.register(requestRules, { maxUrlBytes: config.PIAZZA_MAX_URL_BYTES })
    await http.register(originGuard, { isOpen: access.isOpen })
    await http.register(errorAnswers, { metrics })
    await http.register(authentication, {
      access,
      cookieName: config.PIAZZA_COOKIE_NAME,
      isQueryTaken: config.PIAZZA_QUERY_TOKEN === 'on',
    })
    const streams = {
      broker,
      hub,
      metrics,
      maxStreams,
      maxChannels: config.PIAZZA_MAX_CHANNELS,
      streamLimits,
      addresses,
      lag,
      maxLagMs: config.PIAZZA_MAX_LAG,
      status: config.PIAZZA_OVERLOAD_STATUS,
    }
    if (scope === 'public') {
      await http.register(subscribeRoutes, streams)
      await http.register(livezRoute)
      refuseOtherMethods(http, '/channels/:name', ['GET', 'HEAD'])
      refuseOtherMethods(http, '/livez', ['GET', 'HEAD'])
      return http
    }
    await http.register(openapiRoute)
    await http.register(publishRoutes, {
      broker,
      metrics,
      corsOrigins,
      publishLimits,
      addresses,
      maxMessageBytes: config.PIAZZA_MAX_MESSAGE_BYTES,
    })
    await http.register(subscribeRoutes, streams)
    await http.register(channelRoutes, { broker, corsOrigins, publishLimits, addresses })
    await http.register(inspectRoutes, { broker, hub })
    await http.register(livezRoute)
    await http.register(readyzRoute, { hub, broker })
    await http.register(metricsRoutes, { metrics, isOpen: scope === 'internal' })
    await http.register(rootRoutes)
    refuseOtherMethods(http, '/publish', ['POST'])
    refuseOtherMethods(http, '/channels/:name', ['GET', 'HEAD', 'POST', 'DELETE'])
    for (const url of READ_ONLY_ROUTES) refuseOtherMethods(http, url, ['GET', 'HEAD'])
    return http
  }
  const isSplit = config.PIAZZA_INTERNAL_PORT !== undefined
  const http = await openDoor(isSplit ? 'public' : 'all')
  const internalHttp = isSplit ? await openDoor('internal') : undefined
  http.addHook('preClose', async () => hub.close()) // sockets that left node:http are not closed with it

  return {
    broker,
    http,
    internalHttp,
    hub,
    maxStreams,
    close: async (drainMs) => {
      await hub.drain(drainMs)
      for (const door of doors) await closeHttp(door) // the internal one last: it tells how it goes
      certificate?.close()
      access.close()
      lag.close()
      await broker.close()
    },
  }
}

/** What is set counts, but more streams than there may be files would leave none for publishers: that is said. */
function chooseMaxStreams(configuredStreams: number | undefined, logger: Logger): number {
  const fittingStreams = maxStreamsFromFileLimit()
  if (configuredStreams !== undefined && configuredStreams > fittingStreams) {
    const advice =
      'raise the limit of open files (ulimit -n, LimitNOFILE= of systemd, --ulimit nofile= of Docker), or set PIAZZA_MAX_STREAMS lower'
    logger.warn(
      { configuredStreams, fittingStreams, advice },
      'PIAZZA_MAX_STREAMS is more than the limit of open files allows',
    )
  }
  return configuredStreams ?? fittingStreams
}

/** Stops one of them: what is in flight is answered, what has not come whole after the grace is cut. */
async function closeHttp(http: FastifyInstance): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const grace = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      // node:http gives up its own timeouts when it closes: what never comes whole would hold the process for ever
      http.server.closeAllConnections()
      // and a connection whose TLS handshake hangs is none of its own yet: nobody waits for it
      setImmediate(resolve)
    }, CLOSE_GRACE_MS).unref()
  })
  await Promise.race([http.close(), grace])
  clearTimeout(timer)
}

function renewalOf(
  config: Config,
  rest: Omit<CertificateRenewalOptions, 'certFile' | 'keyFile'>,
): CertificateRenewal | undefined {
  const { PIAZZA_TLS_CERT_FILE: certFile, PIAZZA_TLS_KEY_FILE: keyFile } = config
  if (certFile === undefined || keyFile === undefined) return undefined
  return new CertificateRenewal({ certFile, keyFile, ...rest })
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
