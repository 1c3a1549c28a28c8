import { expect, test } from 'vitest'
import { setImmediate as turn } from 'node:timers/promises'
import { parseJson, parseJsonInTurn } from '../../src/http/json.ts'

function timeOf(run: () => unknown): number {
  const startedMs = performance.now()
  run()
  return performance.now() - startedMs
}

test('8 MB of brackets cost no more than 8 MB of JSON', () => {
  const ordinary = Buffer.from(`{"a":[${'1,'.repeat(4_000_000)}1]}`)
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

test.each([
  ['keys', `{${Array.from({ length: 400_001 }, (_, i) => `"${i}":1`).join()}}`],
  ['lists', `{"a":[${'[],'.repeat(400_000)}[]]}`],
  ['objects', `[[${'{},'.repeat(400_000)}{}]]`],
])('a body with more %s than it takes is too large', (_, text) => {
  expect(() => parseJson(Buffer.from(text))).toThrow(
    expect.objectContaining({ code: 'PIAZZA_ERR_BODY_TOO_LARGE' }),
  )
})

test('a body with as many as it takes is read', () => {
  const text = `{"a":[${'[],'.repeat(399_996)}[]]}`
  expect(parseJson(Buffer.from(text))).toHaveProperty('a.length', 399_997)
})

test('a batch of more items than it takes is refused before it is parsed', () => {
  expect(() => parseJson(Buffer.from(`[${'{},'.repeat(1000)}{}`))).toThrow(/1 to 1000 items/)
  expect(() => parseJson(Buffer.from(`[${'{},'.repeat(999)}{}`))).toThrow(/not valid JSON/)
})

test('large bodies are read one in a turn, and small ones do not wait for them', async () => {
  const large = Buffer.from(JSON.stringify('x'.repeat(100_000)))
  const read: string[] = []
  const readings = [1, 2, 3].map(async (number) => {
    await parseJsonInTurn(large)
    read.push(`large ${number}`)
  })
  expect(parseJsonInTurn(Buffer.from('1'))).toBe(1)
  read.push('small')
  const readAfterTurns: number[] = []
  for (let i = 0; i < 4; i += 1) {
    readAfterTurns.push(read.length)
    await turn()
  }
  await Promise.all(readings)
  expect(read).toEqual(['small', 'large 1', 'large 2', 'large 3'])
  const steps = readAfterTurns.map((count, i) => count - (readAfterTurns[i - 1] ?? 0))
  expect(Math.max(...steps.slice(2))).toBe(1)
})
