import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/read-config.ts'
import { writeFile } from '../support/folder.ts'

const NO_ADDRESS = {
  host: undefined,
  port: undefined,
  path: undefined,
  username: undefined,
  password: undefined,
  database: 0,
  isTls: false,
}

function pemFile(text = '-----BEGIN CERTIFICATE-----\n'): string {
  return writeFile(text)
}

describe('PIAZZA_REDIS_URL', () => {
  test.each([
    ['redis://redis', { host: 'redis', port: 6379 }],
    ['redis://redis:6380/3', { host: 'redis', port: 6380, database: 3 }],
    ['redis://:s3cret@redis', { host: 'redis', port: 6379, password: 's3cret' }],
    [
      'rediss://hub:p%40ss@redis.example:6390/0',
      { host: 'redis.example', port: 6390, username: 'hub', password: 'p@ss', isTls: true },
    ],
    ['redis://[::1]:6379', { host: '::1', port: 6379 }],
    ['unix:///run/redis.sock?db=2', { path: '/run/redis.sock', database: 2 }],
    ['unix:///run/redis.sock?password=p%40ss', { path: '/run/redis.sock', password: 'p@ss' }],
  ])('%s', (text, expected) => {
    const { config, problems } = readConfig({ PIAZZA_REDIS_URL: text })
    expect(problems).toEqual([])
    expect(config?.PIAZZA_REDIS_URL).toEqual({ ...NO_ADDRESS, ...expected })
  })

  test('a % in a password that is not encoded is refused, without the password', () => {
    const { problems } = readConfig({ PIAZZA_REDIS_URL: 'redis://:50%@redis' })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^PIAZZA_REDIS_URL: .*percent-encoded/)
    expect(problems[0]).not.toContain('50%')
  })

  test.each(['redis', 'localhost:6379', 'http://redis', 'redis://', 'redis://redis/db', 'unix://'])(
    '%s is refused, saying what would be right, and without the value: it may hold a password',
    (text) => {
      const { config, problems } = readConfig({ PIAZZA_REDIS_URL: text })
      expect(config).toBeUndefined()
      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatch(/^PIAZZA_REDIS_URL: .*redis:\/\/user:password@host:6379\/0/)
      expect(problems[0]).not.toContain(`"${text}"`)
    },
  )
})

describe('PIAZZA_REDIS_SENTINELS', () => {
  const url = { PIAZZA_REDIS_URL: 'redis://:s3cret@any/1' }

  test('are host and port of each', () => {
    const { config } = readConfig({ ...url, PIAZZA_REDIS_SENTINELS: 'one:26379,[::1]:26380' })
    expect(config?.PIAZZA_REDIS_SENTINELS).toEqual([
      { host: 'one', port: 26_379 },
      { host: '::1', port: 26_380 },
    ])
    expect(config?.PIAZZA_REDIS_SENTINEL_MASTER).toBe('mymaster')
    expect(config?.PIAZZA_REDIS_SENTINEL_PASSWORD).toBeUndefined()
  })

  test.each(['one', 'one:', 'one:99999', 'one:26379,', 'redis://one:26379'])('not %s', (text) => {
    const { problems } = readConfig({ ...url, PIAZZA_REDIS_SENTINELS: text })
    expect(problems).toEqual([expect.stringContaining('PIAZZA_REDIS_SENTINELS')])
  })

  test('need the URL for credentials and database', () => {
    const { problems } = readConfig({ PIAZZA_REDIS_SENTINELS: 'one:26379' })
    expect(problems).toEqual([expect.stringMatching(/^PIAZZA_REDIS_SENTINELS: .*PIAZZA_REDIS_URL/)])
  })
})

describe('certificates', () => {
  test('are read from their files', () => {
    const { config, problems } = readConfig({
      PIAZZA_REDIS_URL: 'rediss://redis',
      PIAZZA_REDIS_CA_FILE: pemFile('-----BEGIN CERTIFICATE-----\nca'),
      PIAZZA_REDIS_CERT_FILE: pemFile('-----BEGIN CERTIFICATE-----\ncert'),
      PIAZZA_REDIS_KEY_FILE: pemFile('-----BEGIN PRIVATE KEY-----\nkey'),
    })
    expect(problems).toEqual([])
    expect(config?.PIAZZA_REDIS_CA_FILE).toMatch(/ca$/)
    expect(config?.PIAZZA_REDIS_CERT_FILE).toMatch(/cert$/)
    expect(config?.PIAZZA_REDIS_KEY_FILE).toMatch(/key$/)
  })

  test('that can not be read, or are none, are refused', () => {
    for (const file of ['/no/such/file.pem', pemFile('not a certificate')]) {
      const { problems } = readConfig({
        PIAZZA_REDIS_URL: 'rediss://redis',
        PIAZZA_REDIS_CA_FILE: file,
      })
      expect(problems).toEqual([expect.stringMatching(/^PIAZZA_REDIS_CA_FILE: .*PEM file/)])
    }
  })

  test('without TLS, or without their key, are a mistake that is told', () => {
    const plain = readConfig({
      PIAZZA_REDIS_URL: 'redis://redis',
      PIAZZA_REDIS_CA_FILE: pemFile(),
    })
    expect(plain.problems).toEqual([expect.stringMatching(/^PIAZZA_REDIS_CA_FILE: .*rediss:/)])
    const alone = readConfig({
      PIAZZA_REDIS_URL: 'rediss://redis',
      PIAZZA_REDIS_CERT_FILE: pemFile(),
    })
    expect(alone.problems).toEqual([expect.stringContaining('PIAZZA_REDIS_KEY_FILE')])
  })
})

test('PIAZZA_REDIS_PREFIX is plain: it goes into the hash tag', () => {
  expect(readConfig({ PIAZZA_REDIS_PREFIX: 'team-a' }).config?.PIAZZA_REDIS_PREFIX).toBe('team-a')
  for (const text of ['{a}', 'a b', 'x'.repeat(65)]) {
    expect(readConfig({ PIAZZA_REDIS_PREFIX: text }).problems).toHaveLength(1)
  }
})
