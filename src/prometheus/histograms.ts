import { Histogram, type Registry } from 'prom-client'

const LAG_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const PUBLISH_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2]

const REPLAY_BUCKETS_MESSAGES = [1, 10, 100, 1000, 10_000, 100_000]
const AGE_BUCKETS_SECONDS = [1, 10, 25, 35, 55, 65, 95, 125, 300, 900, 1800, 3600, 21_600, 86_400]

const HISTOGRAMS = {
  brokerCommand: {
    name: 'piazza_broker_command_duration_seconds',
    help: 'From a script for the broker to its answer, with its wait in the pipeline',
    buckets: PUBLISH_BUCKETS_SECONDS,
  },
  lag: {
    name: 'piazza_delivery_lag_seconds',
    help: 'From a message heard by this process to written to its last live stream, for the oldest of each fan-out',
    buckets: LAG_BUCKETS_SECONDS,
  },
  publish: {
    name: 'piazza_publish_duration_seconds',
    help: 'From a publish read whole to its answer, refusals included',
    buckets: PUBLISH_BUCKETS_SECONDS,
  },
  replay: {
    name: 'piazza_replay_messages',
    help: 'Messages that a stream read from the log before it was at its end, each time it was not',
    buckets: REPLAY_BUCKETS_MESSAGES,
  },
  streamAge: {
    name: 'piazza_stream_age_seconds',
    help: 'From the opening of a stream to its end',
    buckets: AGE_BUCKETS_SECONDS,
  },
} as const

export type Histograms = Readonly<Record<keyof typeof HISTOGRAMS, Histogram>>

export function registerHistograms(registry: Registry): Histograms {
  const made = Object.entries(HISTOGRAMS).map(([key, { name, help, buckets }]) => [
    key,
    new Histogram({ name, help, buckets: [...buckets], registers: [registry] }),
  ])
  return Object.fromEntries(made) as Histograms
}
