import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { countedAddress } from '../../src/limits/counted-address.ts'

const PEER = '192.0.2.1'

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:4711', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::ffff:cb00:7107', '203.0.113.7'],
  ['[::ffff:203.0.113.7]:4711', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:DB8:1:2::', '2001:db8:1:2'],
  ['[2001:db8:1:2::1]', '2001:db8:1:2'],
  ['[2001:db8:1:2::1]:443', '2001:db8:1:2'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
])('%s counts as %s', (address, counted) => {
  expect(countedAddress(address, PEER)).toBe(counted)
})

test.each([undefined, '', 'unknown', '1', '0x7f000001', '127.1', 'x'.repeat(60_000), '1.2.3.4, x'])(
  'what is no address is counted as the peer: %j',
  (address) => {
    expect(countedAddress(address, PEER)).toBe(PEER)
    expect(countedAddress(address, undefined)).toBe('')
  },
)

const part = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16))

test('IPv6 addresses are one client if their first 64 bits are the same, and only then', () => {
  const half = fc.array(part, { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(half, half, half, half, (network, other, host1, host2) => {
      // ::ffff:0:0/96 is IPv4
      fc.pre(network.join() !== '0,0,0,0' && other.join() !== '0,0,0,0')
      const first = countedAddress([...network, ...host1].join(':'), undefined)
      expect(countedAddress([...network, ...host2].join(':'), undefined)).toBe(first)
      const second = countedAddress([...other, ...host1].join(':'), undefined)
      expect(second === first).toBe(network.join() === other.join())
    }),
  )
})
