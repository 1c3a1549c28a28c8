import { describe, expect, test } from 'vitest'
import { errors } from '../src/errors.ts'
import { Metrics } from '../src/metrics.ts'

/** Protocol §12. */
const CONTRACT = [
  'piazza_streams',
  'piazza_streams_opened_total',
  'piazza_streams_closed_total',
  'piazza_streams_refused_total',
  'piazza_streams_behind',
  'piazza_messages_published_total',
  'piazza_messages_delivered_total',
  'piazza_delivered_bytes_total',
  'piazza_publish_duration_seconds',
  'piazza_delivery_lag_seconds',
  'piazza_replayed_messages_total',
  'piazza_gaps_total',
  'piazza_channels',
  'piazza_log_bytes',
  'piazza_broker_connected',
  'piazza_http_errors_total',
]

/** Labels that the contract names, and a way to set each. */
const LABELLED: readonly (readonly [string, (metrics: Metrics) => void])[] = [
  ['piazza_streams_closed_total{reason="drain"} 1', (metrics) => metrics.countClosed('drain', 1)],
  ['piazza_streams_refused_total{reason="draining"} 1', (m) => m.countRefused('draining')],
  ['piazza_gaps_total{reason="evicted"} 1', (metrics) => metrics.countGap('evicted')],
  [
    'piazza_http_errors_total{code="PIAZZA_ERR_NOT_FOUND"} 1',
    (m) => m.countHttpError('PIAZZA_ERR_NOT_FOUND'),
  ],
  ['piazza_broker_connected{connection="memory"} 1', (m) => m.setBrokerConnected('memory', true)],
]

/** Values of labels that are known before anything happens. */
const KNOWN: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'piazza_streams_closed_total',
    'reason',
    'drain max-age token-expired deleted client ended slow input shutdown'.split(' '),
  ],
  [
    'piazza_streams_refused_total',
    'reason',
    [
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
    ],
  ],
  ['piazza_gaps_total', 'reason', ['evicted', 'reset', 'unknown']],
  ['piazza_broker_reconnects_total', 'connection', ['commands', 'subscriber']],
  [
    'piazza_http_errors_total',
    'code',
    Object.values(errors).map((Coded) => new Coded('a message').code),
  ],
]

describe('metrics', () => {
  test.each(CONTRACT)('%s is there, with a help text', async (name) => {
    const text = await new Metrics().registry.metrics()
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'))
    expect(text).toMatch(new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`, 'm'))
  })

  test('those of the process are there', async () => {
    const text = await new Metrics().registry.metrics()
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_seconds',
    ]) {
      expect(text).toContain(`# HELP ${name} `)
    }
  })

  test.each(LABELLED)('%s', async (line, count) => {
    const metrics = new Metrics()
    count(metrics)
    expect((await metrics.registry.metrics()).split('\n')).toContain(line)
  })

  test.each(KNOWN)(
    '%s has each of its series before the first event',
    async (name, label, values) => {
      const text = await new Metrics().registry.metrics()
      const series = text.split('\n').filter((line) => line.startsWith(`${name}{`))
      expect(series.sort()).toEqual(values.map((value) => `${name}{${label}="${value}"} 0`).sort())
    },
  )

  test('what the hot path counts is told as it stands, each time it is asked', async () => {
    const metrics = new Metrics()
    for (const published of [3, 7]) {
      metrics.messagesPublished = published
      const text = await metrics.registry.metrics()
      expect(text.split('\n')).toContain(`piazza_messages_published_total ${published}`)
    }
  })

  test('sizes are read when they are asked for', async () => {
    const metrics = new Metrics()
    metrics.observeLogs(() => ({ bytes: 10, channels: 2 }))
    metrics.observeStreams(() => ({ streams: 5, behind: 1, attached: 0, channels: 4 }))
    const lines = (await metrics.registry.metrics()).split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'piazza_log_bytes 10',
        'piazza_channels 2',
        'piazza_streams 5',
        'piazza_streams_behind 1',
      ]),
    )
  })

  test('a lag and a publish are seconds', async () => {
    const metrics = new Metrics()
    metrics.observeLag(0.002)
    metrics.observePublish(0.002)
    const text = await metrics.registry.metrics()
    expect(text).toContain('piazza_delivery_lag_seconds_bucket{le="0.0025"} 1')
    expect(text).toContain('piazza_publish_duration_seconds_bucket{le="0.0025"} 1')
    expect(text).toContain('piazza_delivery_lag_seconds_sum 0.002')
  })
})
