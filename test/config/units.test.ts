import { describe, expect, test } from 'vitest'
import {
  parseByteRate,
  parseDuration,
  parseInteger,
  parseRate,
  parseSize,
} from '../../src/config/units.ts'

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['15s', 15_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['0s', 0],
    ['1.5s', 1500],
    ['0.5ms', 1],
    ['90s', 90_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  test.each([
    '',
    '15',
    '0',
    's',
    '15 s',
    ' 15s',
    '15s ',
    '15S',
    '15sec',
    '-1s',
    '+1s',
    '1e3s',
    '.5s',
    '1.s',
    '1h30m',
    '1,5s',
    '15s\n',
    '١s',
    'off',
    'Infinitys',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })
})

describe('sizes', () => {
  test.each([
    ['1B', 1],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['2GiB', 2_147_483_648],
    ['1.5KiB', 1536],
    ['0B', 0],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  test.each([
    '',
    '1',
    '1048576',
    '1MB',
    '1M',
    '1Mi',
    '1mib',
    '1 MiB',
    '-1MiB',
    '1e3KiB',
    'MiB',
    '1TiB',
  ])('%j is none', (text) => {
    expect(parseSize(text)).toBeUndefined()
  })
})

describe('whole numbers', () => {
  test.each([
    ['0', 0],
    ['8080', 8080],
    ['007', 7],
    ['999999999999999', 999_999_999_999_999],
  ])('%s', (text, value) => {
    expect(parseInteger(text)).toBe(value)
  })

  test.each([
    '',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1_000',
    '1,000',
    'NaN',
    '9'.repeat(16),
  ])('%j is none', (text) => {
    expect(parseInteger(text)).toBeUndefined()
  })
})

describe('rates', () => {
  test.each([
    ['100/s', 100],
    ['1/s', 1],
  ])('%s', (text, perSecond) => {
    expect(parseRate(text)).toBe(perSecond)
  })

  test('1.5KiB/s', () => {
    expect(parseByteRate('1.5KiB/s')).toBe(1536)
  })

  test.each(['', '/s', '100', '100/', '100 /s', '1.5/s', '100/S', '100/m', '-1/s', '1e3/s', 'off'])(
    '%j is none',
    (text) => {
      expect(parseRate(text)).toBeUndefined()
      expect(parseByteRate(text)).toBeUndefined()
    },
  )
})
