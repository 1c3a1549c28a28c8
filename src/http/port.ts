import { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { type Access } from '../auth/access.ts'
import { type Broker } from '../broker/broker.ts'
import { type Config } from '../config/settings.ts'
import { maxConnectionsFromFileLimit } from '../file-limit.ts'
import { type Hub } from '../hub/hub.ts'
import { type LoopLag } from '../limits/loop-lag.ts'
import { type PublishLimits } from '../limits/publish-limits.ts'
import { type StreamLimits } from '../limits/stream-limits.ts'
import { type Metrics } from '../metrics.ts'
import { type Certificate } from '../tls/certificate.ts'
import { type ClientAddresses } from './client-addresses.ts'
import { createHttp } from './create-http.ts'
import { authentication } from './plugins/authentication.ts'
import { corsHeaders } from './plugins/cors.ts'
import { errorAnswers } from './plugins/errors.ts'
import { originGuard } from './plugins/origin-guard.ts'
import { pipelining } from './plugins/pipelining.ts'
import { requestRules } from './plugins/request-rules.ts'
import { channelRoutes } from './routes/channel.ts'
import { livezRoute, readyzRoute } from './routes/health.ts'
import { inspectRoutes } from './routes/inspect.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { openapiRoute } from './routes/openapi.ts'
import { publishRoutes } from './routes/publish.ts'
import { refuseOtherMethods } from './routes/resource.ts'
import { rootRoutes } from './routes/root.ts'
import { subscribeRoutes } from './routes/subscribe.ts'

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
export type Scope = 'all' | 'internal' | 'public'

/** What all ports share. */
export interface PortParts {
  readonly config: Config
  readonly logger: FastifyBaseLogger
  readonly metrics: Metrics
  readonly access: Access
  readonly broker: Broker
  readonly hub: Hub
  readonly addresses: ClientAddresses
  readonly publishLimits: PublishLimits
  readonly streamLimits: StreamLimits
  readonly lag: LoopLag
  readonly maxStreams: number
  /** It speaks TLS, where it is to. */
  readonly certificate: Certificate | undefined
}

/** One that does not listen yet. Plugins and routes in the order in which a request meets them. */
export async function openPort(scope: Scope, parts: PortParts): Promise<FastifyInstance> {
  const { config, logger, metrics, access, broker, hub, addresses, publishLimits } = parts
  const corsOrigins = config.PIAZZA_CORS_ORIGINS
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
    maxConnections: maxConnectionsFromFileLimit(),
    certificate: isTls ? parts.certificate : undefined,
  })
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
    maxStreams: parts.maxStreams,
    maxChannels: config.PIAZZA_MAX_CHANNELS,
    streamLimits: parts.streamLimits,
    addresses,
    lag: parts.lag,
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

/** While a port closes, connections that have become idle are looked for. */
const IDLE_SWEEP_MS = 50

/** Stops one: what is in flight is answered, what has not come whole after `graceMs` is cut. */
export async function closePort(http: FastifyInstance, graceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const grace = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      // node:http gives up its own timeouts when it closes: what never comes whole would hold the process for ever
      http.server.closeAllConnections()
      // and a connection whose TLS handshake hangs is none of its own yet: nobody waits for it
      setImmediate(resolve)
    }, graceMs).unref()
  })
  // A connection whose request is answered only now is kept for a next one that would not be taken.
  const sweep = setInterval(() => http.server.closeIdleConnections(), IDLE_SWEEP_MS).unref()
  await Promise.race([http.close(), grace])
  clearTimeout(timer)
  clearInterval(sweep)
}
