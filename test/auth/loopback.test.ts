import { describe, expect, test } from 'vitest'
import { isLoopback } from '../../src/auth/loopback.ts'

describe('an address that only this machine reaches', () => {
  test.each(['127.0.0.1', '127.0.0.2', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', 'localhost'])(
    '%s',
    (host) => {
      expect(isLoopback(host)).toBe(true)
    },
  )

  test.each([
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '126.255.255.255',
    '128.0.0.1',
    '192.168.1.127',
    '::2',
    '::ffff:10.0.0.1',
    'fe80::1',
    'localhost.example.com',
    'my-host',
    '127.0.0.1.example.com',
    '127.1',
    '0x7f000001',
    '2130706433',
    '',
  ])('not %j', (host) => {
    expect(isLoopback(host)).toBe(false)
  })
})
