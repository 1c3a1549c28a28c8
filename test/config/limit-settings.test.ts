import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/read-config.ts'
import { type SettingName } from '../../src/config/settings.ts'
import { describeTrustProxy } from '../../src/config/trust-proxy.ts'

describe('values', () => {
  test.each<[SettingName, string, unknown]>([
    ['PIAZZA_MAX_STREAMS_PER_IP', '20', 20],
    ['PIAZZA_MAX_STREAMS_PER_IP', '0', undefined],
    ['PIAZZA_MAX_CHANNELS', '1.5', undefined],
    ['PIAZZA_STREAM_RATE', '100/s', 100],
    ['PIAZZA_STREAM_RATE', '100', undefined],
    ['PIAZZA_STREAM_RATE', '0/s', undefined],
    ['PIAZZA_STREAM_RATE', '100/m', undefined],
    ['PIAZZA_STREAM_RATE', '1.5/s', undefined],
    ['PIAZZA_STREAM_RATE', '/s', undefined],
    ['PIAZZA_STREAM_RATE_PER_IP', '5/s', 5],
    ['PIAZZA_PUBLISH_RATE', '10/s', 10],
    ['PIAZZA_PUBLISH_BYTE_RATE', '1MiB/s', 1024 * 1024],
    ['PIAZZA_PUBLISH_BYTE_RATE', '1000/s', undefined],
    ['PIAZZA_PUBLISH_BYTE_RATE', '1MiB', undefined],
    ['PIAZZA_PUBLISH_BYTE_RATE', '1B/s', undefined],
    ['PIAZZA_MAX_LAG', '250ms', 250],
    ['PIAZZA_MAX_LAG', '1ms', undefined],
    ['PIAZZA_HEADER_TIMEOUT', '5s', 5000],
    ['PIAZZA_HEADER_TIMEOUT', '0s', undefined],
    ['PIAZZA_TRUST_PROXY', 'off', 'off'],
    ['PIAZZA_TRUST_PROXY', '1', 1],
    ['PIAZZA_TRUST_PROXY', '16', 16],
    [
      'PIAZZA_TRUST_PROXY',
      '10.0.0.0/8, fd00::/8,192.0.2.7',
      ['10.0.0.0/8', 'fd00::/8', '192.0.2.7'],
    ],
    ['PIAZZA_TRUST_PROXY', 'fc00::/7,fe80::/10', ['fc00::/7', 'fe80::/10']],
    ['PIAZZA_TRUST_PROXY', '2001::/16,::ffff:10.0.0.0/104', ['2001::/16', '::ffff:10.0.0.0/104']],
  ])('%s=%s', (name, text, value) => {
    const { config, problems } = readConfig({ [name]: text })
    expect(config?.[name]).toEqual(value)
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(
      value === undefined ? [name] : [],
    )
  })

  test.each([
    ['0', 'off, or 1 to 16'],
    ['17', 'off, or 1 to 16'],
    ['-1', 'such as 10.0.0.0/8'],
    ['true', 'such as 10.0.0.0/8'],
    ['*', 'such as 10.0.0.0/8'],
    ['loopback', 'such as 10.0.0.0/8'],
    ['proxy.example', 'such as 10.0.0.0/8'],
    ['10.0.0.0/33', 'such as 10.0.0.0/8'],
    ['fd00::/129', 'such as 10.0.0.0/8'],
    ['10.1/16', 'such as 10.0.0.0/8'],
    ['0x7f.1', 'such as 10.0.0.0/8'],
    ['10.0.0.0/8/8', 'such as 10.0.0.0/8'],
    ['10.0.0.0/', 'such as 10.0.0.0/8'],
    ['10.0.0.0/255.0.0.0', 'such as 10.0.0.0/8'],
    ['10.0.0.0/8,', 'such as 10.0.0.0/8'],
    ['1,10.0.0.0/8', 'such as 10.0.0.0/8'],
    ['fe80::1%eth0', 'such as 10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0 is so wide that clients could name their own'],
    ['10.0.0.0/8,::/0', '::/0 is so wide'],
    ['0.0.0.0/1,128.0.0.0/1', '0.0.0.0/1 is so wide'],
    ['10.0.0.0/7', '10.0.0.0/7 is so wide'],
    ['::ffff:0.0.0.0/97', '::ffff:0.0.0.0/97 is so wide'],
    ['2000::/3', '2000::/3 is so wide'],
    ['2a00::/15', '2a00::/15 is so wide'],
    ['fc00::/6', 'fc00::/6 is so wide'],
  ])('PIAZZA_TRUST_PROXY=%s is refused, saying what would be right', (text, right) => {
    const { problems } = readConfig({ PIAZZA_TRUST_PROXY: text })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(right)
  })
})

describe('contradictions', () => {
  test.each([
    [{ PIAZZA_HEADER_TIMEOUT: '2m' }, 'PIAZZA_HEADER_TIMEOUT: it is above PIAZZA_REQUEST_TIMEOUT'],
    [{ PIAZZA_REQUEST_TIMEOUT: '5s' }, 'PIAZZA_REQUEST_TIMEOUT: it is below PIAZZA_HEADER_TIMEOUT'],
    [{ PIAZZA_MAX_HEADER_BYTES: '16KiB' }, 'PIAZZA_MAX_HEADER_BYTES: it is below PIAZZA_MAX_URL'],
  ])('%j', (environment, problem) => {
    expect(readConfig(environment).problems).toEqual([expect.stringContaining(problem)])
  })
})

test.each([
  ['off' as const, 'of the connection'],
  [1, 'X-Forwarded-For of the proxy before the hub'],
  [2, 'X-Forwarded-For of 2 proxies before the hub'],
  [['10.0.0.0/8', '::1'], 'X-Forwarded-For of 10.0.0.0/8,::1'],
])('the log says whose address counts: %j', (trust, words) => {
  expect(describeTrustProxy(trust)).toBe(words)
})
