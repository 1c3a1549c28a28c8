import { describe, expect, test } from 'vitest'
import { isOpenMode } from '../../src/config/access-contradictions.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { type Config, type SettingName, SETTINGS } from '../../src/config/settings.ts'

const KEY = 'k3y-0123456789abcdef'
const MIB = 1024 * 1024

function read(environment: Record<string, string>): Config {
  const { config, problems } = readConfig(environment)
  if (config === undefined) throw new Error(problems.join('\n'))
  return config
}

function problemsOf(environment: Record<string, string>): readonly string[] {
  const { config, problems } = readConfig(environment)
  expect(config === undefined).toBe(problems.length > 0)
  return problems
}

/** Protocol §11, and what `--help` adds to it. */
const DEFAULTS: Readonly<Partial<Record<SettingName, unknown>>> = {
  PIAZZA_HOST: '127.0.0.1',
  PIAZZA_PORT: 8080,
  PIAZZA_HEARTBEAT_INTERVAL: 15_000,
  PIAZZA_RETRY_MIN: 2000,
  PIAZZA_RETRY_MAX: 4000,
  PIAZZA_STREAM_MAX_AGE: 1_800_000,
  PIAZZA_SLOW_STREAM_TIMEOUT: 30_000,
  PIAZZA_DRAIN_TIME: 20_000,
  PIAZZA_MAX_STREAMS: undefined,
  PIAZZA_LOG_MAX_MESSAGES: 10_000,
  PIAZZA_LOG_MAX_AGE: 3_600_000,
  PIAZZA_LOG_MAX_BYTES: 4 * MIB,
  PIAZZA_LOG_TOTAL_BYTES: 256 * MIB,
  PIAZZA_IDEMPOTENCY_TIME: 300_000,
  PIAZZA_MAX_MESSAGE_BYTES: MIB,
  PIAZZA_MAX_BODY_BYTES: 8 * MIB,
  PIAZZA_LOG_LEVEL: 'info',
  PIAZZA_OVERLOAD_STATUS: '200',
  PIAZZA_PUBLISH_KEYS: [],
  PIAZZA_ANONYMOUS: { subscribe: false, publish: false },
  PIAZZA_PUBLIC_CHANNELS: [],
  PIAZZA_CORS_ORIGINS: [],
}

describe('defaults', () => {
  test('of an empty environment are those of the contract', () => {
    expect(readConfig({})).toMatchObject({ config: DEFAULTS, problems: [], warnings: [] })
  })

  test.each(Object.keys(SETTINGS) as SettingName[])('an empty %s is an unset one', (name) => {
    expect(read({ [name]: '' })[name]).toEqual(read({})[name])
  })

  test('variables of others are none of ours', () => {
    expect(problemsOf({ PATH: '/bin', piazza_port: '1', XPIAZZA_PORT: '1', PIAZZA: 'x' })).toEqual(
      [],
    )
  })

  test.each(Object.entries(SETTINGS))(
    'the default that --help prints for %s is the default',
    (name, setting) => {
      const { defaultText } = setting
      if (defaultText === '—' || defaultText.includes(' ')) return
      expect(read({ [name]: defaultText })[name as SettingName]).toEqual(
        read({})[name as SettingName],
      )
    },
  )
})

describe('values', () => {
  test.each<[SettingName, string, unknown]>([
    ['PIAZZA_HOST', '::1', '::1'],
    ['PIAZZA_PORT', '0', 0],
    ['PIAZZA_PORT', '65535', 65_535],
    ['PIAZZA_HEARTBEAT_INTERVAL', '500ms', undefined],
    ['PIAZZA_HEARTBEAT_INTERVAL', '1m', 60_000],
    ['PIAZZA_LOG_MAX_AGE', '7d', 604_800_000],
    ['PIAZZA_LOG_TOTAL_BYTES', '2GiB', 2048 * MIB],
    ['PIAZZA_MAX_STREAMS', '5000', 5000],
    ['PIAZZA_OVERLOAD_STATUS', '503', '503'],
    ['PIAZZA_OVERLOAD_STATUS', '404', undefined],
    ['PIAZZA_LOG_LEVEL', 'debug', 'debug'],
    ['PIAZZA_LOG_LEVEL', 'verbose', undefined],
    ['PIAZZA_PORT', '65536', undefined],
    ['PIAZZA_PORT', '-1', undefined],
    ['PIAZZA_PORT', '80a', undefined],
    ['PIAZZA_PORT', ' 80', undefined],
    ['PIAZZA_LOG_MAX_MESSAGES', '0', undefined],
    ['PIAZZA_LOG_MAX_MESSAGES', '1.5', undefined],
    ['PIAZZA_MAX_MESSAGE_BYTES', '17MiB', undefined],
    ['PIAZZA_PUBLISH_KEYS', `${KEY}, ${KEY}2`, [KEY, `${KEY}2`]],
    ['PIAZZA_PUBLISH_KEYS', `${KEY},`, undefined],
    ['PIAZZA_PUBLISH_KEYS', 'fifteen-letters', undefined],
    ['PIAZZA_PUBLISH_KEYS', 'sixteen-letters!', ['sixteen-letters!']],
    ['PIAZZA_PUBLISH_KEYS', 'with space inside it', undefined],
    ['PIAZZA_PUBLISH_KEYS', 'clé-de-publication-é', undefined],
    ['PIAZZA_ANONYMOUS', 'subscribe', { subscribe: true, publish: false }],
    ['PIAZZA_ANONYMOUS', 'publish,subscribe', { subscribe: true, publish: true }],
    ['PIAZZA_ANONYMOUS', 'true', undefined],
    ['PIAZZA_ANONYMOUS', '__proto__', undefined],
    ['PIAZZA_ANONYMOUS', 'constructor', undefined],
    ['PIAZZA_PUBLIC_CHANNELS', 'news,scores.*', [['news'], ['scores', '*']]],
    ['PIAZZA_PUBLIC_CHANNELS', 'a.**.b', undefined],
    ['PIAZZA_CORS_ORIGINS', '*', ['*']],
    [
      'PIAZZA_CORS_ORIGINS',
      'https://a.example,http://localhost:3000',
      ['https://a.example', 'http://localhost:3000'],
    ],
    ['PIAZZA_CORS_ORIGINS', 'https://a.example/', undefined],
    ['PIAZZA_CORS_ORIGINS', 'a.example', undefined],
    ['PIAZZA_CORS_ORIGINS', 'null', undefined],
  ])('%s=%s', (name, text, value) => {
    const { config, problems } = readConfig({ [name]: text })
    expect(config?.[name]).toEqual(value)
    if (value === undefined) {
      expect(problems).toHaveLength(1)
      expect(problems[0]).toContain(name)
    }
  })

  test.each(['::', '0.0.0.0', 'fe80::1%eth0', 'my-host.example'])('a host %s', (host) => {
    expect(read({ PIAZZA_HOST: host, PIAZZA_PUBLISH_KEYS: KEY }).PIAZZA_HOST).toBe(host)
  })

  const CAN_BE_OFF: readonly SettingName[] = [
    'PIAZZA_STREAM_MAX_AGE',
    'PIAZZA_HEARTBEAT_INTERVAL',
    'PIAZZA_MAX_STREAMS',
    'PIAZZA_MAX_STREAMS_PER_IP',
    'PIAZZA_MAX_STREAMS_PER_SUBJECT',
    'PIAZZA_MAX_STREAMS_PER_CHANNEL',
    'PIAZZA_MAX_CHANNELS',
    'PIAZZA_STREAM_RATE',
    'PIAZZA_STREAM_RATE_PER_IP',
    'PIAZZA_MAX_LAG',
    'PIAZZA_PUBLISH_RATE',
    'PIAZZA_PUBLISH_BYTE_RATE',
  ]

  test.each(CAN_BE_OFF)('%s can be off', (name) => {
    expect(read({ [name]: 'off' })[name]).toBe(0)
  })

  const QUANTITIES = (Object.keys(SETTINGS) as SettingName[]).filter(
    (name) => typeof SETTINGS[name].default === 'number' && !CAN_BE_OFF.includes(name),
  )

  test.each(QUANTITIES)('%s can not be off', (name) => {
    expect(problemsOf({ [name]: 'off' })).toHaveLength(1)
  })
})

describe('problems', () => {
  test.each<[SettingName, string, RegExp]>([
    ['PIAZZA_HEARTBEAT_INTERVAL', '15', /\b15s\b/],
    ['PIAZZA_STREAM_MAX_AGE', '1800', /\b10m\b/],
    ['PIAZZA_LOG_MAX_AGE', '3600000', /\b1h\b/],
    ['PIAZZA_DRAIN_TIME', '0', /\b15s\b/],
    ['PIAZZA_LOG_TOTAL_BYTES', '268435456', /MiB/],
    ['PIAZZA_MAX_MESSAGE_BYTES', '1024', /KiB/],
  ])('a bare number %s=%s is refused, saying what would be right', (name, text, right) => {
    const [problem, ...others] = problemsOf({ [name]: text })
    expect(others).toEqual([])
    expect(problem).toMatch(right)
    expect(problem).toContain(`"${text}"`)
  })

  test('all are told at once', () => {
    const problems = problemsOf({
      PIAZZA_PORT: 'http',
      PIAZZA_LOG_MAX_AGE: '60',
      PIAZZA_LOG_MAX_BYTES: '1MB',
      PIAZZA_HEARBEAT_INTERVAL: '15s',
      PIAZZA_PUBLISH_KEYS: 'short',
      PIAZZA_LOG_LEVEL: 'loud',
    })
    expect(problems).toHaveLength(6)
    for (const problem of problems) expect(problem).not.toContain('\n')
  })

  test('all are told at once, contradictions too', () => {
    const problems = problemsOf({
      PIAZZA_HOST: '0.0.0.0',
      PIAZZA_RETRY_MIN: '10s',
      PIAZZA_LOG_MAX_AGE: '60',
    })
    const named = problems.map((problem) => problem.split(':')[0])
    expect(new Set(named)).toEqual(
      new Set(['PIAZZA_HOST', 'PIAZZA_LOG_MAX_AGE', 'PIAZZA_RETRY_MIN']),
    )
  })

  test.each([
    ['PIAZZA_HEARBEAT_INTERVAL', 'PIAZZA_HEARTBEAT_INTERVAL'],
    ['PIAZZA_LOG_MAX_MESSAGE', 'PIAZZA_LOG_MAX_MESSAGES'],
    ['PIAZZA_PUBLISH_KEY', 'PIAZZA_PUBLISH_KEYS'],
    ['PIAZZA_CORS_ORIGIN', 'PIAZZA_CORS_ORIGINS'],
    ['PIAZZA_log_level', 'PIAZZA_LOG_LEVEL'],
    ['PIAZZA_HOSTNAME', 'PIAZZA_HOST'],
  ])('the unknown name %s is an error that names %s', (name, nearest) => {
    expect(problemsOf({ [name]: 'x' })).toEqual([expect.stringContaining(`${nearest}?`)])
  })

  test.each(['PIAZZA_', 'PIAZZA___proto__', 'PIAZZA_constructor', `PIAZZA_${'X'.repeat(1000)}`])(
    'so is %s',
    (name) => {
      expect(problemsOf({ [name]: 'x' })).toEqual([expect.stringContaining(name)])
    },
  )

  test.each([
    ['a secret too short', { PIAZZA_PUBLISH_KEYS: 'hunter2' }],
    ['one of several', { PIAZZA_PUBLISH_KEYS: `${KEY},hunter2` }],
    ['a secret under a misspelt name', { PIAZZA_PUBLISH_KEY: 'hunter2-and-so-on' }],
    ['a good secret beside another problem', { PIAZZA_PUBLISH_KEYS: KEY, PIAZZA_PORT: 'x' }],
  ])('%s is never repeated', (_name, environment) => {
    const text = problemsOf(environment).join('\n')
    expect(text).not.toBe('')
    expect(text).not.toContain('hunter2')
    expect(text).not.toContain(KEY)
  })

  test.each([
    [{ PIAZZA_RETRY_MIN: '5s' }, /^PIAZZA_RETRY_MIN: .* above PIAZZA_RETRY_MAX \(4s\); lower it/],
    [{ PIAZZA_RETRY_MAX: '1s' }, /^PIAZZA_RETRY_MAX: .* below PIAZZA_RETRY_MIN \(2s\); raise it/],
    [
      { PIAZZA_MAX_MESSAGE_BYTES: '9MiB' },
      /^PIAZZA_MAX_MESSAGE_BYTES: .* above PIAZZA_MAX_BODY_BYTES \(8MiB\); lower it.*raise PIAZZA_MAX_BODY/,
    ],
    [
      { PIAZZA_MAX_BODY_BYTES: '512KiB' },
      /^PIAZZA_MAX_BODY_BYTES: .* below PIAZZA_MAX_MESSAGE_BYTES \(1MiB\); raise it.*lower PIAZZA_MAX_MES/,
    ],
    [
      { PIAZZA_MAX_MESSAGE_BYTES: '3MiB', PIAZZA_MAX_BODY_BYTES: '2MiB' },
      /^PIAZZA_MAX_MESSAGE_BYTES: .* above PIAZZA_MAX_BODY_BYTES \(2MiB\); lower it/,
    ],
  ])('two that contradict each other, naming first the one that was set: %j', (set, problem) => {
    const environment = set as Record<string, string>
    expect(problemsOf(environment)).toEqual([expect.stringMatching(problem)])
  })

  test.each(['[::1]', '127.0.0.1:99', 'localhost:99', '[::1]:99', 'http://localhost'])(
    'a host that is more than one: %s',
    (host) => {
      const problems = problemsOf({ PIAZZA_HOST: host, PIAZZA_PUBLISH_KEYS: KEY })
      expect(problems).toEqual([expect.stringMatching(/::1, without brackets or port/)])
    },
  )
})

describe('closed by default', () => {
  test.each([
    {},
    { PIAZZA_HOST: '::1' },
    { PIAZZA_HOST: 'localhost' },
    { PIAZZA_HOST: '127.0.0.2' },
    { PIAZZA_CORS_ORIGINS: 'https://a.example' },
  ])('without access on loopback it starts, open to this machine: %j', (environment) => {
    expect(isOpenMode(read(environment as Record<string, string>))).toBe(true)
  })

  test.each(['0.0.0.0', '::', '10.0.0.1', 'my-host', '::ffff:10.0.0.1'])(
    'without access on %s it refuses to start, and says what to set',
    (host) => {
      const problems = problemsOf({ PIAZZA_HOST: host })
      expect(problems).toEqual([expect.stringContaining('PIAZZA_PUBLISH_KEYS')])
      expect(problems[0]).toContain('PIAZZA_HOST')
    },
  )

  test.each([
    { PIAZZA_PUBLISH_KEYS: KEY },
    { PIAZZA_JWT_SECRET: 'x'.repeat(32) },
    { PIAZZA_JWT_JWKS_URL: 'https://login.example/keys' },
    { PIAZZA_ANONYMOUS: 'subscribe' },
    { PIAZZA_ANONYMOUS: 'publish,subscribe' },
    { PIAZZA_PUBLIC_CHANNELS: 'news' },
  ])('with an access setting it starts anywhere, and is not open: %j', (environment) => {
    const config = read({ PIAZZA_HOST: '0.0.0.0', ...(environment as Record<string, string>) })
    expect(isOpenMode(config)).toBe(false)
  })

  test('an empty key is no access setting', () => {
    expect(problemsOf({ PIAZZA_HOST: '0.0.0.0', PIAZZA_PUBLISH_KEYS: '' })).toHaveLength(1)
  })
})

/** As a pod gets them for Services `piazza` (named port http) and `piazza-redis`. */
const SERVICE_LINKS = {
  PIAZZA_SERVICE_HOST: '10.0.0.1',
  PIAZZA_SERVICE_PORT: '8080',
  PIAZZA_SERVICE_PORT_HTTP: '8080',
  PIAZZA_PORT: 'tcp://10.0.0.1:8080',
  PIAZZA_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
  PIAZZA_PORT_8080_TCP_PROTO: 'tcp',
  PIAZZA_PORT_8080_TCP_PORT: '8080',
  PIAZZA_PORT_8080_TCP_ADDR: '10.0.0.1',
  PIAZZA_REDIS_SERVICE_HOST: '10.0.0.2',
  PIAZZA_REDIS_SERVICE_PORT: '6379',
  PIAZZA_REDIS_SERVICE_PORT_REDIS_TCP: '6379',
  PIAZZA_REDIS_PORT: 'tcp://10.0.0.2:6379',
  PIAZZA_REDIS_PORT_6379_TCP: 'tcp://10.0.0.2:6379',
  PIAZZA_REDIS_PORT_6379_TCP_PROTO: 'tcp',
  PIAZZA_REDIS_PORT_6379_TCP_PORT: '6379',
  PIAZZA_REDIS_PORT_6379_TCP_ADDR: '10.0.0.2',
}

describe('variables that Kubernetes injects', () => {
  test('are ignored, with one warning that names the remedy', () => {
    const { config, problems, warnings } = readConfig(SERVICE_LINKS)
    expect(problems).toEqual([])
    expect(config).toEqual(read({}))
    expect(warnings).toEqual([expect.stringContaining('enableServiceLinks: false')])
  })

  test('PIAZZA_PORT then has its default; a port that a person set counts', () => {
    expect(read(SERVICE_LINKS).PIAZZA_PORT).toBe(8080)
    expect(read({ ...SERVICE_LINKS, PIAZZA_PORT: '9000' }).PIAZZA_PORT).toBe(9000)
  })

  test('of a UDP service too', () => {
    const { problems, warnings } = readConfig({
      PIAZZA_DNS_SERVICE_HOST: '10.0.0.3',
      PIAZZA_DNS_PORT: 'udp://10.0.0.3:53',
      PIAZZA_DNS_PORT_53_UDP: 'udp://10.0.0.3:53',
      PIAZZA_DNS_PORT_53_UDP_ADDR: '10.0.0.3',
    })
    expect({ problems, warnings: warnings.length }).toEqual({ problems: [], warnings: 1 })
  })

  test('a typo beside them is still an error, and other settings still count', () => {
    expect(problemsOf({ ...SERVICE_LINKS, PIAZZA_PROT: '1' })).toEqual([
      expect.stringContaining('PIAZZA_PORT?'),
    ])
    expect(read({ ...SERVICE_LINKS, PIAZZA_LOG_LEVEL: 'warn' }).PIAZZA_LOG_LEVEL).toBe('warn')
  })

  test.each([
    { PIAZZA_REDIS_PORT: '6379' },
    { PIAZZA_PORT_8080: 'x' },
    { PIAZZA_SERVICE: 'x' },
    { PIAZZA_PORT: 'http://10.0.0.1:8080' },
  ])('what only resembles one is an error: %j', (environment) => {
    expect(problemsOf(environment as Record<string, string>)).toHaveLength(1)
  })
})
