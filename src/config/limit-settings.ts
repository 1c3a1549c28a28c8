import { parseTrustProxy, type TrustProxy } from './trust-proxy.ts'
import { byteRate, duration, HOUR_MS, integer, rate, type Setting, size } from './setting.ts'

const MAX_COUNT = 10_000_000

function count(defaultText: string, description: string): Setting<number> {
  return integer(defaultText, description, { min: 1, max: MAX_COUNT, canBeOff: true })
}

/** What one process takes from whom (protocol §6, §11). Those that tell clients apart are off: see docs/operations.md. */
export const LIMIT_SETTINGS = {
  PIAZZA_TRUST_PROXY: {
    type: 'hops, list of CIDRs, or `off`',
    defaultText: 'off',
    default: 'off',
    description:
      'Which proxies may tell the address of a client by `X-Forwarded-For`: so many before the hub, or those with these addresses.',
    parse: parseTrustProxy,
  } satisfies Setting<TrustProxy>,
  PIAZZA_MAX_STREAMS_PER_IP: count(
    'off',
    'Open streams of one address; IPv6 counts by its first 64 bits.',
  ),
  PIAZZA_MAX_STREAMS_PER_SUBJECT: count(
    'off',
    'Open streams of one subject (`sub` of its JWT; a JWT without counts by itself).',
  ),
  PIAZZA_MAX_STREAMS_PER_CHANNEL: count('off', 'Open streams of one channel.'),
  PIAZZA_MAX_CHANNELS: count('100000', 'Distinct channels that have streams.'),
  PIAZZA_STREAM_RATE: rate('off', 'New streams of the process.'),
  PIAZZA_STREAM_RATE_PER_IP: rate('off', 'New streams of one address.'),
  PIAZZA_MAX_LAG: duration(
    '500ms',
    'New streams are turned away while the event loop is late by so much, twice in a row or more.',
    { min: 20, max: HOUR_MS, canBeOff: true },
  ),
  PIAZZA_PUBLISH_RATE: rate(
    'off',
    'Messages published with one key or by one subject; without a token from one address. A DELETE counts as one.',
  ),
  PIAZZA_PUBLISH_BYTE_RATE: byteRate('off', 'The same for bytes of bodies.'),
  PIAZZA_MAX_URL_BYTES: size('48KiB', 'Longest address of a request, with its query.', {
    min: 1024,
    max: 1024 ** 2,
  }),
  PIAZZA_MAX_HEADER_BYTES: size('64KiB', 'Request line and headers together.', {
    min: 2048,
    max: 1024 ** 2,
  }),
  PIAZZA_HEADER_TIMEOUT: duration('10s', 'The head of a request must have come by then.', {
    min: 1000,
    max: HOUR_MS,
  }),
  PIAZZA_REQUEST_TIMEOUT: duration('60s', 'A request must have come whole by then.', {
    min: 1000,
    max: HOUR_MS,
  }),
  PIAZZA_IDLE_TIMEOUT: duration(
    '72s',
    'A connection without a stream is kept for so long for its next request.',
    { min: 1000, max: HOUR_MS },
  ),
} as const
