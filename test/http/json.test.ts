import { expect, test } from 'vitest'
import { parseJson } from '../../src/http/json.ts'

function timeOf(run: () => unknown): number {
  const startedMs = performance.now()
  run()
  return performance.now() - startedMs
}

test('8 MB of brackets cost no more than 8 MB of JSON', () => {
  const ordinary = Buffer.from(`[${'1,'.repeat(4_000_000)}1]`)
  const nested = Buffer.from('['.repeat(4_000_000) + ']'.repeat(4_000_000))
  const ordinaryMs = timeOf(() => parseJson(ordinary))
  const nestedMs = timeOf(() => expect(() => parseJson(nested)).toThrow(/nested deeper than 200/))
  expect(nestedMs).toBeLessThan(ordinaryMs)
})

test('what stands in strings is neither depth nor number', () => {
  const data = `${'[{'.repeat(300)}\\" "${'['.repeat(300)} 12345678901234567890 \\`
  const text = JSON.stringify({ [data]: [data, data] })
  expect(parseJson(Buffer.from(text))).toEqual({ [data]: [data, data] })
})

test.each([
  '"[',
  '"\\',
  '-',
  '1.2.3',
  '12345678901234567890e',
  '[12345678901234567890',
  '[12345678901234567890-]',
  '][',
])('what is no JSON is told as that: %s', (text) => {
  expect(() => parseJson(Buffer.from(text))).toThrow(/not valid JSON/)
})
