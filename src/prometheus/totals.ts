import { Counter, type Registry } from 'prom-client'

/** Counters without labels, by what is counted. */
const TOTALS = {
  messagesPublished: {
    name: 'piazza_messages_published_total',
    help: 'Messages accepted',
  },
  messagesDelivered: {
    name: 'piazza_messages_delivered_total',
    help: 'Messages written to streams, replays included',
  },
  bytesDelivered: {
    name: 'piazza_delivered_bytes_total',
    help: 'Bytes of messages written to streams',
  },
  messagesReplayed: {
    name: 'piazza_replayed_messages_total',
    help: 'Messages written from the log to streams that were not at its end',
  },
  ephemeralMissed: {
    name: 'piazza_ephemeral_missed_total',
    help: 'Ephemeral messages that streams missed because they were behind',
  },
  idempotencyKeysForgotten: {
    name: 'piazza_idempotency_keys_forgotten_total',
    help: 'Idempotency keys forgotten before their time, for lack of room',
  },
  messagesEvictedByTotal: {
    name: 'piazza_log_evicted_messages_total',
    help: 'Messages dropped before their time because PIAZZA_LOG_TOTAL_BYTES was reached',
  },
  messagesBackfilled: {
    name: 'piazza_backfilled_messages_total',
    help: 'Messages read back from the broker because their announcement was missed',
  },
  backfillSeconds: {
    name: 'piazza_backfill_seconds_total',
    help: 'Time spent on reading back',
  },
  gateSeconds: {
    name: 'piazza_gate_seconds_total',
    help: 'Time in which live messages were held back until it was known what was missed',
  },
  rollbacks: {
    name: 'piazza_rollbacks_total',
    help: 'Times that the broker was seen to have lost messages it had announced',
  },
  certificateFailures: {
    name: 'piazza_tls_certificate_failures_total',
    help: 'Times that a changed certificate could not be used, and the old one was kept',
  },
  connectionsRefused: {
    name: 'piazza_connections_refused_total',
    help: 'Connections closed as they came, because the file limit was near',
  },
  streamsOpened: {
    name: 'piazza_streams_opened_total',
    help: 'Streams opened',
  },
} as const

/** Plain numbers, so that counting costs the hot path nothing. */
export type Totals = Record<keyof typeof TOTALS, number>

/** Each is read when Prometheus asks. */
export function registerTotals(registry: Registry, counted: Readonly<Totals>): void {
  for (const [key, { name, help }] of Object.entries(TOTALS)) {
    const total = new Counter({
      name,
      help,
      registers: [],
      collect() {
        this.reset()
        this.inc(counted[key as keyof Totals])
      },
    })
    registry.registerMetric(total)
  }
}
