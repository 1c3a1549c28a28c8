import { Gauge, type Registry } from 'prom-client'

/** Gauges of what is known only when it is asked for. */
const GAUGES = {
  streams: { name: 'piazza_streams', help: 'Open streams' },
  behind: {
    name: 'piazza_streams_behind',
    help: 'Streams not at the end of the log, or blocked',
  },
  attached: {
    name: 'piazza_streams_attached',
    help: 'Streams whose socket could not be detached from node:http',
  },
  channels: {
    name: 'piazza_channels',
    help: 'Channels that have messages; with Redis, of those that this replica hears',
  },
  channelsSubscribed: { name: 'piazza_channels_subscribed', help: 'Channels with streams' },
  probeAgeSeconds: {
    name: 'piazza_broker_probe_age_seconds',
    help: 'Since the logs were last compared with the broker and the subscriber connection was heard; 0 without Redis',
  },
  certificateExpiry: {
    name: 'piazza_tls_certificate_expiry_timestamp_seconds',
    help: 'When the certificate in use expires, seconds since 1970; NaN without TLS',
  },
  logBytes: { name: 'piazza_log_bytes', help: 'Memory of all logs, bytes' },
} as const

/** A way to read each. */
export type Sizes = Readonly<Record<keyof typeof GAUGES, () => number>>

/** Each is read when Prometheus asks. */
export function registerSizes(registry: Registry, sizes: Sizes): void {
  for (const [key, { name, help }] of Object.entries(GAUGES)) {
    const gauge = new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(sizes[key as keyof Sizes]())
      },
    })
    registry.registerMetric(gauge)
  }
}
