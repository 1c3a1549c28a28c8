import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  currentPosition,
  formatId,
  ID_LENGTH,
  millisecondsOf,
  parseId,
  type Position,
} from '../../src/position.ts'

const YEAR_2255: Position = Date.UTC(2255, 0) * 1000
const position = fc.oneof(
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: currentPosition(), max: currentPosition() + 1e9 }),
)

describe('ids', () => {
  test('sort as bytes in the order of their positions', () => {
    fc.assert(
      fc.property(position, position, (a, b) => {
        const order = Buffer.compare(Buffer.from(formatId(a)), Buffer.from(formatId(b)))
        expect(order).toBe(Math.sign(a - b))
      }),
    )
  })

  test('have one width and never cause a CORS preflight', () => {
    fc.assert(
      fc.property(position, (any) => {
        expect(formatId(any)).toMatch(/^[a-z0-9-]{1,64}$/)
        expect(formatId(any)).toHaveLength(ID_LENGTH)
      }),
    )
  })

  test('are read back', () => {
    fc.assert(
      fc.property(position, (any) => {
        expect(parseId(formatId(any))).toBe(any)
      }),
    )
  })

  test('keep their width and a microsecond apart until 2255', () => {
    for (const late of [YEAR_2255, Number.MAX_SAFE_INTEGER]) {
      expect(formatId(late)).toHaveLength(ID_LENGTH)
      expect(parseId(formatId(late))).toBe(late)
      expect(formatId(late - 1) < formatId(late)).toBe(true)
    }
    expect(YEAR_2255).toBeLessThan(Number.MAX_SAFE_INTEGER)
    expect(new Date(millisecondsOf(YEAR_2255)).getUTCFullYear()).toBe(2255)
  })
})

describe('an id that no hub printed is none', () => {
  const mine = formatId(currentPosition())
  test.each([
    ['empty', ''],
    ['too short', mine.slice(1)],
    ['too long', `0${mine}`],
    ['a space around it', ` ${mine}`],
    ['a newline behind it', `${mine}\n`],
    ['upper case', mine.toUpperCase()],
    ['another hub (UUID)', '0b5e3f5e-8f5a-4f9c-a0c5-2f6f3f7a9c11'],
    ['Redis', '1790000000000-0'],
    ['a sign', `-${mine.slice(1)}`],
    ['a fraction', '0000000.001'],
    ['beyond exact numbers', 'zzzzzzzzzzz'],
    ['just beyond exact numbers', '2gosa7pa2gw'],
    ['not ASCII', `${mine.slice(1)}é`],
    ['8 kB', mine.repeat(800)],
  ])('%s', (_name, id) => {
    expect(parseId(id)).toBeUndefined()
  })

  test('whatever is accepted would be printed the same way', () => {
    const digits = fc.string({
      unit: fc.constantFrom('0', '9', 'a', 'h', 'z', 'A', '-', ' '),
      maxLength: 13,
    })
    fc.assert(
      fc.property(fc.oneof(digits, fc.string()), (id) => {
        const read = parseId(id)
        if (read !== undefined) expect(formatId(read)).toBe(id)
      }),
    )
  })
})

test('a position tells its time', () => {
  const nowMs = Date.now()
  const now = currentPosition()
  expect(millisecondsOf(now)).toBeGreaterThanOrEqual(nowMs)
  expect(millisecondsOf(now)).toBeLessThan(nowMs + 1000)
  expect(millisecondsOf(now + 999)).toBe(millisecondsOf(now))
})
