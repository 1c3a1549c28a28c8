import { describe, expect, test } from 'vitest'
import { maxConnectionsFromFileLimit, maxStreamsFromFileLimit } from '../src/file-limit.ts'
import { writeFile } from './support/folder.ts'

const HEADER = 'Limit                     Soft Limit           Hard Limit           Units     \n'

function limitsOf(soft: string): string {
  const row = `Max open files            ${soft.padEnd(20)} 1048576              files     \n`
  const processes =
    'Max processes             7                    7                    processes \n'
  return writeFile(HEADER + processes + row)
}

function streamsFor(soft: string): number {
  return maxStreamsFromFileLimit(limitsOf(soft))
}

test.each(['256', '1024', '20000'])('of %s files some are kept from all connections', (soft) => {
  const connections = maxConnectionsFromFileLimit(limitsOf(soft))
  expect(connections).toBeGreaterThan(streamsFor(soft))
  expect(connections).toBeLessThanOrEqual(Number(soft) - 32)
})

describe('streams that the limit of open files allows', () => {
  test.each(['256', '1024', '4096', '65536', '1048576', 'unlimited'])(
    'of %s leave room for everything else',
    (soft) => {
      const files = soft === 'unlimited' ? 2 ** 20 : Number(soft)
      const streams = streamsFor(soft)
      expect(files - streams).toBeGreaterThanOrEqual(64)
      expect(streams).toBeGreaterThan(files / 2)
      expect(Number.isInteger(streams)).toBe(true)
    },
  )

  test('a large limit is not wasted', () => {
    expect(1_048_576 - streamsFor('1048576')).toBeLessThanOrEqual(1024)
  })

  test.each(['0', '1', '10', '64'])('of %s are one at least', (soft) => {
    expect(streamsFor(soft)).toBe(1)
  })

  test('are some where the system does not tell', () => {
    const unknown = maxStreamsFromFileLimit('/there/is/no/such/file')
    expect(unknown).toBeGreaterThan(100)
    expect(maxStreamsFromFileLimit(writeFile('nothing of use'))).toBe(unknown)
  })

  test('of this machine are some', () => {
    expect(maxStreamsFromFileLimit()).toBeGreaterThanOrEqual(1)
  })
})
