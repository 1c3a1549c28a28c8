import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type CloseReason, type GapReason } from './sse/control-frame.ts'

/** Why a stream is no more. */
export type StreamCloseReason = CloseReason | 'client' | 'ended' | 'slow' | 'input' | 'shutdown'

/** Why a subscribe was turned away for now (protocol §6). */
export type RefusalReason = 'draining' | 'max-streams' | 'broker' | 'access'

/** What `piazza_broker_connected` and `piazza_broker_reconnects_total` are told of. */
export type BrokerConnection = 'memory' | 'commands' | 'subscriber'

const LAG_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const PUBLISH_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2]

const REPLAY_BUCKETS_MESSAGES = [1, 10, 100, 1000, 10_000, 100_000]
const AGE_BUCKETS_SECONDS = [1, 10, 25, 35, 55, 65, 95, 125, 300, 900, 1800, 3600, 21_600, 86_400]

/** What is known only when it is asked for. */
type LogSizes = () => { readonly bytes: number; readonly channels: number }
type StreamSizes = () => {
  readonly streams: number
  readonly behind: number
  readonly attached: number
  readonly channels: number
}

/**
 * Every metric (protocol §12); `docs/operations.md` tells what each means, held by a test. No label has a channel's
 * name: there may be millions. What the hot path counts is a plain number here, and is read when Prometheus asks.
 */
export class Metrics {
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

  readonly #streamsClosed: Counter
  readonly #streamsRefused: Counter
  readonly #gaps: Counter
  readonly #httpErrors: Counter
  readonly #brokerConnected: Gauge
  readonly #brokerReconnects: Counter
  readonly #brokerCommand: Histogram
  readonly #lag: Histogram
  readonly #publishDuration: Histogram
  readonly #replay: Histogram
  readonly #streamAge: Histogram
  #logSizes: LogSizes = () => ({ bytes: 0, channels: 0 })
  #streamSizes: StreamSizes = () => ({ streams: 0, behind: 0, attached: 0, channels: 0 })

  constructor() {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    this.#countTotals()
    this.#gaugeSizes()
    this.#streamsClosed = new Counter({
      name: 'piazza_streams_closed_total',
      help: 'Streams that ended, by reason',
      labelNames: ['reason'],
      registers,
    })
    this.#streamsRefused = new Counter({
      name: 'piazza_streams_refused_total',
      help: 'Subscribes turned away for now, by reason',
      labelNames: ['reason'],
      registers,
    })
    this.#gaps = new Counter({
      name: 'piazza_gaps_total',
      help: 'Gap events sent, by reason',
      labelNames: ['reason'],
      registers,
    })
    // An alert on an increase does not see the first of a counter that appears with it.
    for (const reason of ['evicted', 'reset', 'unknown']) this.#gaps.inc({ reason }, 0)
    this.#httpErrors = new Counter({
      name: 'piazza_http_errors_total',
      help: 'Error answers, by code',
      labelNames: ['code'],
      registers,
    })
    this.#brokerConnected = new Gauge({
      name: 'piazza_broker_connected',
      help: '1 while the broker is reached, by connection',
      labelNames: ['connection'],
      registers,
    })
    this.#brokerReconnects = new Counter({
      name: 'piazza_broker_reconnects_total',
      help: 'Connections to the broker that were opened again, by connection',
      labelNames: ['connection'],
      registers,
    })
    this.#brokerCommand = new Histogram({
      name: 'piazza_broker_command_duration_seconds',
      help: 'From a script for the broker to its answer, with its wait in the pipeline',
      buckets: PUBLISH_BUCKETS_SECONDS,
      registers,
    })
    this.#lag = new Histogram({
      name: 'piazza_delivery_lag_seconds',
      help: 'From publish to written to the last live stream, for the oldest message of each fan-out',
      buckets: LAG_BUCKETS_SECONDS,
      registers,
    })
    this.#publishDuration = new Histogram({
      name: 'piazza_publish_duration_seconds',
      help: 'From a publish read whole to its answer, refusals included',
      buckets: PUBLISH_BUCKETS_SECONDS,
      registers,
    })
    this.#replay = new Histogram({
      name: 'piazza_replay_messages',
      help: 'Messages that a stream read from the log before it was at its end, each time it was not',
      buckets: REPLAY_BUCKETS_MESSAGES,
      registers,
    })
    this.#streamAge = new Histogram({
      name: 'piazza_stream_age_seconds',
      help: 'From the opening of a stream to its end',
      buckets: AGE_BUCKETS_SECONDS,
      registers,
    })
  }

  observeLogs(sizes: LogSizes): void {
    this.#logSizes = sizes
  }

  observeStreams(sizes: StreamSizes): void {
    this.#streamSizes = sizes
  }

  countClosed(reason: StreamCloseReason, ageSeconds: number): void {
    this.#streamsClosed.inc({ reason })
    this.#streamAge.observe(ageSeconds)
  }

  countRefused(reason: RefusalReason): void {
    this.#streamsRefused.inc({ reason })
  }

  countGap(reason: GapReason): void {
    this.#gaps.inc({ reason })
  }

  countHttpError(code: string): void {
    this.#httpErrors.inc({ code })
  }

  setBrokerConnected(connection: BrokerConnection, isConnected: boolean): void {
    this.#brokerConnected.set({ connection }, isConnected ? 1 : 0)
  }

  countReconnect(connection: BrokerConnection): void {
    this.#brokerReconnects.inc({ connection })
  }

  observeBrokerCommand(seconds: number): void {
    this.#brokerCommand.observe(seconds)
  }

  observeLag(seconds: number): void {
    this.#lag.observe(seconds)
  }

  observePublish(seconds: number): void {
    this.#publishDuration.observe(seconds)
  }

  observeReplay(messages: number): void {
    this.#replay.observe(messages)
  }

  #countTotals(): void {
    this.#total(
      'piazza_messages_published_total',
      'Messages accepted',
      () => this.messagesPublished,
    )
    this.#total(
      'piazza_messages_delivered_total',
      'Messages written to streams, replays included',
      () => this.messagesDelivered,
    )
    this.#total(
      'piazza_delivered_bytes_total',
      'Bytes of messages written to streams',
      () => this.bytesDelivered,
    )
    this.#total(
      'piazza_replayed_messages_total',
      'Messages written from the log to streams that were not at its end',
      () => this.messagesReplayed,
    )
    this.#total(
      'piazza_ephemeral_missed_total',
      'Ephemeral messages that streams missed because they were behind',
      () => this.ephemeralMissed,
    )
    this.#total(
      'piazza_idempotency_keys_forgotten_total',
      'Idempotency keys forgotten before their time, for lack of room',
      () => this.idempotencyKeysForgotten,
    )
    this.#total(
      'piazza_log_evicted_messages_total',
      'Messages dropped before their time because PIAZZA_LOG_TOTAL_BYTES was reached',
      () => this.messagesEvictedByTotal,
    )
    this.#total(
      'piazza_backfilled_messages_total',
      'Messages read back from the broker because their announcement was missed',
      () => this.messagesBackfilled,
    )
    this.#total(
      'piazza_backfill_seconds_total',
      'Time spent on reading back',
      () => this.backfillSeconds,
    )
    this.#total(
      'piazza_gate_seconds_total',
      'Time in which live messages were held back until it was known what was missed',
      () => this.gateSeconds,
    )
    this.#total(
      'piazza_rollbacks_total',
      'Times that the broker was seen to have lost messages it had announced',
      () => this.rollbacks,
    )
    this.#total(
      'piazza_connections_refused_total',
      'Connections closed as they came, because the file limit was near',
      () => this.connectionsRefused,
    )
    this.#total('piazza_streams_opened_total', 'Streams opened', () => this.streamsOpened)
  }

  #gaugeSizes(): void {
    this.#gauge('piazza_streams', 'Open streams', () => this.#streamSizes().streams)
    this.#gauge(
      'piazza_streams_behind',
      'Streams not at the end of the log, or blocked',
      () => this.#streamSizes().behind,
    )
    this.#gauge(
      'piazza_streams_attached',
      'Streams whose socket could not be detached from node:http',
      () => this.#streamSizes().attached,
    )
    this.#gauge(
      'piazza_channels',
      'Channels that have messages; with Redis, of those that this replica hears',
      () => this.#logSizes().channels,
    )
    this.#gauge(
      'piazza_channels_subscribed',
      'Channels with streams',
      () => this.#streamSizes().channels,
    )
    this.#gauge(
      'piazza_broker_probe_age_seconds',
      'Since the logs were last compared with the broker and the subscriber connection was heard; 0 without Redis',
      () => (this.comparedAtMs === undefined ? 0 : (performance.now() - this.comparedAtMs) / 1000),
    )
    this.#gauge('piazza_log_bytes', 'Memory of all logs, bytes', () => this.#logSizes().bytes)
  }

  #total(name: string, help: string, read: () => number): void {
    const total = new Counter({
      name,
      help,
      registers: [],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
    this.registry.registerMetric(total)
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge = new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read())
      },
    })
    this.registry.registerMetric(gauge)
  }
}
