import { ACCESS_SETTINGS } from './access-settings.ts'
import { LIMIT_SETTINGS } from './limit-settings.ts'
import { LISTEN_SETTINGS } from './listen-settings.ts'
import { parsePemFile, parseRedisPrefix, parseRedisUrl, parseSentinel } from './redis-address.ts'
import {
  choice,
  DAY_MS,
  duration,
  HOUR_MS,
  integer,
  list,
  optional,
  type Setting,
  size,
} from './setting.ts'

/**
 * Every setting (protocol §11). The README's table, `--help`, the checks and the types all come from here.
 */
export const SETTINGS = {
  ...LISTEN_SETTINGS,
  ...ACCESS_SETTINGS,
  PIAZZA_HEARTBEAT_INTERVAL: duration('15s', 'A comment keeps an idle stream alive so often.', {
    min: 1000,
    max: HOUR_MS,
    canBeOff: true,
  }),
  PIAZZA_RETRY_MIN: duration('2s', 'Shortest reconnection time a stream is told.', {
    min: 0,
    max: HOUR_MS,
  }),
  PIAZZA_RETRY_MAX: duration('4s', 'Longest reconnection time a stream is told; random between.', {
    min: 0,
    max: HOUR_MS,
  }),
  PIAZZA_STREAM_MAX_AGE: duration(
    '30m',
    'A stream is closed after this time × random 0.8–1, and comes back.',
    { min: 1000, max: 365 * DAY_MS, canBeOff: true },
  ),
  PIAZZA_SLOW_STREAM_TIMEOUT: duration(
    '30s',
    'A stream whose reader takes no byte for so long is cut.',
    { min: 1000, max: DAY_MS },
  ),
  PIAZZA_DRAIN_TIME: duration(
    '20s',
    'On SIGTERM streams are closed evenly, over at most this time (at least 20 a second).',
    {
      min: 0,
      max: HOUR_MS,
    },
  ),
  PIAZZA_MAX_STREAMS: {
    type: 'number or `off`',
    defaultText: 'from the file limit',
    default: undefined,
    description: 'Open streams of the process; further subscribes are told to come back later.',
    parse: (text) => integer('1', '', { min: 1, max: 10_000_000, canBeOff: true }).parse(text),
  } satisfies Setting<number | undefined>,
  PIAZZA_OVERLOAD_STATUS: choice(
    '200',
    ['200', '503'],
    'Status of a refusal for now: `200` keeps an EventSource trying, `503` is for other clients.',
  ),
  ...LIMIT_SETTINGS,
  PIAZZA_LOG_MAX_MESSAGES: integer('10000', 'Messages kept per channel.', {
    min: 1,
    max: 10_000_000,
  }),
  PIAZZA_LOG_MAX_AGE: duration('1h', 'Messages are kept for so long.', {
    min: 1000,
    max: 365 * DAY_MS,
  }),
  PIAZZA_LOG_MAX_BYTES: size('4MiB', 'Bytes kept per channel; the newest message always stays.', {
    min: 1,
    max: 64 * 1024 ** 3,
  }),
  PIAZZA_LOG_TOTAL_BYTES: size(
    '256MiB',
    'Memory of all logs of the process; beyond it the oldest idle channels lose messages first.',
    { min: 1024 ** 2, max: 1024 ** 4 },
  ),
  PIAZZA_IDEMPOTENCY_TIME: duration('5m', 'An idempotency key is remembered for so long.', {
    min: 1000,
    max: DAY_MS,
  }),
  PIAZZA_MAX_MESSAGE_BYTES: size('1MiB', 'Largest `data` of a message, bytes of UTF-8.', {
    min: 1,
    max: 16 * 1024 ** 2,
  }),
  PIAZZA_MAX_BODY_BYTES: size('8MiB', 'Largest request body.', { min: 1, max: 256 * 1024 ** 2 }),
  PIAZZA_REDIS_URL: optional(
    'address with credentials',
    'Redis that several replicas share; without it the hub is alone, and keeps its logs in memory.',
    parseRedisUrl,
  ),
  PIAZZA_REDIS_PREFIX: {
    type: 'text',
    defaultText: 'piazza',
    default: 'piazza',
    description: 'Hubs of one Redis with the same prefix share their channels.',
    parse: parseRedisPrefix,
  } satisfies Setting<string>,
  PIAZZA_REDIS_CA_FILE: optional(
    'path of a PEM file',
    'Certificates that `rediss://` trusts instead of those of the system.',
    parsePemFile,
  ),
  PIAZZA_REDIS_CERT_FILE: optional(
    'path of a PEM file',
    'Client certificate for `rediss://`.',
    parsePemFile,
  ),
  PIAZZA_REDIS_KEY_FILE: optional('path of a PEM file', 'Its private key.', parsePemFile),
  PIAZZA_REDIS_SENTINELS: list(
    'Sentinels that know which Redis is the master; credentials and database come from the URL, whose host is then not used.',
    'list of host:port',
    parseSentinel,
  ),
  PIAZZA_REDIS_SENTINEL_MASTER: {
    type: 'text',
    defaultText: 'mymaster',
    default: 'mymaster',
    description: 'The name of the master that the sentinels watch.',
    parse: (text) => text,
  } satisfies Setting<string>,
  PIAZZA_REDIS_SENTINEL_PASSWORD: optional(
    'secret',
    'Password of the sentinels themselves.',
    (text) => text,
  ),
  PIAZZA_LOG_LEVEL: choice(
    'info',
    ['fatal', 'error', 'warn', 'info', 'debug', 'silent'],
    'What the process logs: JSON lines, or readable ones on a terminal.',
  ),
} as const

/** Name of a setting's variable. */
export type SettingName = keyof typeof SETTINGS

/** Every setting's value: durations in ms, sizes in bytes, `off` as 0. */
export type Config = {
  readonly [Name in SettingName]:
    | ReturnType<(typeof SETTINGS)[Name]['parse']>
    | (typeof SETTINGS)[Name]['default']
}
