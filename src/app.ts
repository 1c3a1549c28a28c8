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
import { renewCertificate } from './http/create-http.ts'
import { closePort, openPort, type PortParts } from './http/port.ts'
import { Hub } from './hub/hub.ts'
import { LoopLag } from './limits/loop-lag.ts'
import { PublishLimits } from './limits/publish-limits.ts'
import { StreamLimits } from './limits/stream-limits.ts'
import { Metrics } from './metrics.ts'
import { CertificateRenewal, type CertificateRenewalOptions } from './tls/certificate-renewal.ts'

/** So long all that is still there when the last stream was told has to close: sockets, and requests that have not come whole. */
const CLOSE_GRACE_MS = 5000
/** So much of its own has what is in flight at the ports, however long the sockets of streams took. */
const LAST_ANSWERS_MS = 1000

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
  const lag = new LoopLag()
  const maxStreams = chooseMaxStreams(config.PIAZZA_MAX_STREAMS, logger)

  /** The public one first. */
  const ports: FastifyInstance[] = []
  const certificate = renewalOf(config, {
    metrics,
    log: logger,
    onCertificate: (renewed) => {
      for (const port of ports) renewCertificate(port, renewed)
    },
  })
  const parts: PortParts = {
    config,
    logger,
    metrics,
    access,
    broker,
    hub,
    addresses: new ClientAddresses(config.PIAZZA_TRUST_PROXY, logger),
    publishLimits: new PublishLimits({
      messages: config.PIAZZA_PUBLISH_RATE,
      bytes: config.PIAZZA_PUBLISH_BYTE_RATE,
    }),
    streamLimits: new StreamLimits({
      perAddress: config.PIAZZA_MAX_STREAMS_PER_IP,
      perSubject: config.PIAZZA_MAX_STREAMS_PER_SUBJECT,
      perChannel: config.PIAZZA_MAX_STREAMS_PER_CHANNEL,
      rate: config.PIAZZA_STREAM_RATE,
      ratePerAddress: config.PIAZZA_STREAM_RATE_PER_IP,
    }),
    lag,
    maxStreams,
    get certificate() {
      return certificate?.current
    },
  }
  const isSplit = config.PIAZZA_INTERNAL_PORT !== undefined
  const http = await openPort(isSplit ? 'public' : 'all', parts)
  ports.push(http)
  const internalHttp = isSplit ? await openPort('internal', parts) : undefined
  if (internalHttp !== undefined) ports.push(internalHttp)
  // Sockets that left node:http are not closed with it; those of a drain are on their way, and have words to take along.
  http.addHook('preClose', async () => {
    if (!hub.isDraining) hub.close()
  })

  return {
    broker,
    http,
    internalHttp,
    hub,
    maxStreams,
    close: async (drainMs) => {
      await hub.drain(drainMs)
      const endMs = performance.now() + CLOSE_GRACE_MS
      await hub.whenEmpty() // meanwhile publishes are answered, and whoever comes is refused for now
      const leftMs = Math.max(LAST_ANSWERS_MS, endMs - performance.now())
      await closePort(http, leftMs)
      if (internalHttp !== undefined) await closePort(internalHttp, LAST_ANSWERS_MS) // it tells how it goes
      hub.close()
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
