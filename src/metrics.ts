import { collectDefaultMetrics, Registry } from 'prom-client'
import { ERROR_CODES } from './errors.ts'
import { registerHistograms } from './prometheus/histograms.ts'
import { registerBrokerConnected, registerLabelled } from './prometheus/labelled.ts'
import { registerSizes } from './prometheus/sizes.ts'
import { registerTotals, type Totals } from './prometheus/totals.ts'
import { CLOSE_REASONS, GAP_REASONS, type GapReason } from './sse/control-frame.ts'

const STREAM_CLOSE_REASONS = [
  ...CLOSE_REASONS,
  'client',
  'ended',
  'slow',
  'input',
  'shutdown',
] as const
/** Why a stream is no more. */
export type StreamCloseReason = (typeof STREAM_CLOSE_REASONS)[number]

/** Why a subscribe was turned away for now (protocol §6). */
export const REFUSAL_REASONS = [
  'draining',
  'broker',
  'access',
  'overloaded',
  'max-streams',
  'max-streams-per-ip',
  'max-streams-per-subject',
  'max-streams-per-channel',
  'max-channels',
  'stream-rate',
  'stream-rate-per-ip',
] as const
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

const RECONNECTING = ['commands', 'subscriber'] as const
/** A connection to the broker that can be lost. */
export type Reconnecting = (typeof RECONNECTING)[number]
/** What `piazza_broker_connected` is told of. */
export type BrokerConnection = 'memory' | Reconnecting

type LogSizes = () => { readonly bytes: number; readonly channels: number }
type StreamSizes = () => {
  readonly streams: number
  readonly behind: number
  readonly attached: number
  readonly channels: number
}

/**
 * What is counted (protocol §12); the metrics it is told as are declared in `prometheus/`, and `docs/operations.md`
 * tells what each means, held by a test. No label has a channel's name: there may be millions. What the hot path counts
 * is a plain number here, and is read when Prometheus asks.
 */
export class Metrics implements Totals {
  readonly registry = new Registry()

  messagesPublished = 0
  messagesDelivered = 0
  bytesDelivered = 0
  messagesReplayed = 0
  ephemeralMissed = 0
  idempotencyKeysForgotten = 0
  messagesEvictedByTotal = 0
  streamsOpened = 0
  /** Closed as they came, for there were as many as there may be. */
  connectionsRefused = 0
  /** Messages read back because their announcement was missed. */
  messagesBackfilled = 0
  backfillSeconds = 0
  /** For so long live messages were held back until it was known what was missed. */
  gateSeconds = 0
  /** Messages delivered here that Redis has lost. */
  rollbacks = 0
  /** When a comparison with the broker last succeeded, ms since the process started; undefined: there are none. */
  comparedAtMs: number | undefined
  /** Times that a changed certificate could not be used. */
  certificateFailures = 0

  readonly #streamsClosed = registerLabelled(
    this.registry,
    'piazza_streams_closed_total',
    'Streams that ended, by reason',
    'reason',
    STREAM_CLOSE_REASONS,
  )
  readonly #streamsRefused = registerLabelled(
    this.registry,
    'piazza_streams_refused_total',
    'Subscribes turned away for now, by reason',
    'reason',
    REFUSAL_REASONS,
  )
  readonly #gaps = registerLabelled(
    this.registry,
    'piazza_gaps_total',
    'Gap events sent, by reason',
    'reason',
    GAP_REASONS,
  )
  readonly #httpErrors = registerLabelled(
    this.registry,
    'piazza_http_errors_total',
    'Error answers, by code',
    'code',
    ERROR_CODES,
  )
  readonly #brokerReconnects = registerLabelled(
    this.registry,
    'piazza_broker_reconnects_total',
    'Connections to the broker that were opened again, by connection',
    'connection',
    RECONNECTING,
  )
  readonly #brokerConnected = registerBrokerConnected(this.registry)
  readonly #histograms = registerHistograms(this.registry)
  #certificateExpiry: () => number = () => Number.NaN
  #logSizes: LogSizes = () => ({ bytes: 0, channels: 0 })
  #streamSizes: StreamSizes = () => ({ streams: 0, behind: 0, attached: 0, channels: 0 })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
    registerTotals(this.registry, this)
    registerSizes(this.registry, {
      streams: () => this.#streamSizes().streams,
      behind: () => this.#streamSizes().behind,
      attached: () => this.#streamSizes().attached,
      channelsSubscribed: () => this.#streamSizes().channels,
      channels: () => this.#logSizes().channels,
      certificateExpiry: () => this.#certificateExpiry(),
      logBytes: () => this.#logSizes().bytes,
      probeAgeSeconds: () =>
        this.comparedAtMs === undefined ? 0 : (performance.now() - this.comparedAtMs) / 1000,
    })
  }

  observeLogs(sizes: LogSizes): void {
    this.#logSizes = sizes
  }

  observeStreams(sizes: StreamSizes): void {
    this.#streamSizes = sizes
  }

  /** When it expires, in seconds since 1970. */
  observeCertificate(expirySeconds: () => number): void {
    this.#certificateExpiry = expirySeconds
  }

  countClosed(reason: StreamCloseReason, ageSeconds: number): void {
    this.#streamsClosed.inc(reason)
    this.#histograms.streamAge.observe(ageSeconds)
  }

  countRefused(reason: RefusalReason): void {
    this.#streamsRefused.inc(reason)
  }

  countGap(reason: GapReason): void {
    this.#gaps.inc(reason)
  }

  countHttpError(code: string): void {
    this.#httpErrors.inc(code)
  }

  setBrokerConnected(connection: BrokerConnection, isConnected: boolean): void {
    this.#brokerConnected.set({ connection }, isConnected ? 1 : 0)
  }

  countReconnect(connection: Reconnecting): void {
    this.#brokerReconnects.inc(connection)
  }

  observeBrokerCommand(seconds: number): void {
    this.#histograms.brokerCommand.observe(seconds)
  }

  observeLag(seconds: number): void {
    this.#histograms.lag.observe(seconds)
  }

  observePublish(seconds: number): void {
    this.#histograms.publish.observe(seconds)
  }

  observeReplay(messages: number): void {
    this.#histograms.replay.observe(messages)
  }
}
