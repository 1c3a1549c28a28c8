import { describe, expect, test } from 'vitest'
import { readPublication } from '../../src/http/publication.ts'
import { createMessage } from '../../src/log/message.ts'
import { formatId } from '../../src/position.ts'
import { bytesOf, parseStream } from '../support/parse-stream.ts'

const MAX_MESSAGE_BYTES = 1024 * 1024

/** From a JSON publication to what a client gets. */
function receive(item: Record<string, unknown>) {
  const publication = readPublication({ channel: 'a', data: '', ...item }, MAX_MESSAGE_BYTES)
  const parsed = parseStream([bytesOf(createMessage(publication, 1).frame)])
  expect(parsed.events).toHaveLength(1)
  return { ...parsed.events[0]!, retry: parsed.retries[0] }
}

describe('event', () => {
  test.each([
    'a\nb',
    'a\rb',
    '\r\n',
    'a\0b',
    '',
    'x'.repeat(101),
    'é'.repeat(51),
    '\ud83d'.repeat(34),
  ])('%j is refused', (event) => {
    expect(() => receive({ event })).toThrow(/event/)
  })

  test.each(['error', 'open', 'piazza.', 'piazza.gap', 'piazza.x'])('%j is reserved', (event) => {
    expect(() => receive({ event })).toThrow(/reserved/)
  })

  test.each(['message', 'Error', 'piazza', 'opened', ' ', 'é'.repeat(50), 'a: b'])(
    '%j arrives as it is',
    (event) => {
      expect(receive({ event }).event).toBe(event)
    },
  )
})

describe('retry', () => {
  test.each([100, 2000, 2 ** 31 - 1])('%d arrives as digits', (retry) => {
    expect(receive({ retry }).retry).toBe(retry)
  })

  test.each([99, 0, -1, 2 ** 31, 1e21, 1.5, Number.NaN, '2000', null])('%j is refused', (retry) => {
    expect(() => receive({ retry })).toThrow(/retry/)
  })
})

describe('data', () => {
  test.each([
    ['a string as it is', 'a "b"', 'a "b"'],
    ['null', null, 'null'],
    ['true', true, 'true'],
    ['a number', 1e21, '1e+21'],
    ['an array', [1, 'a', null], '[1,"a",null]'],
    ['an object', { a: '\n', b: {} }, '{"a":"\\n","b":{}}'],
    ['a key __proto__', JSON.parse('{"__proto__":{"a":1}}'), '{"__proto__":{"a":1}}'],
    ['a lone surrogate of a string', 'a\ud83d', 'a\ufffd'],
    ['CR and CRLF', 'a\rb\r\nc', 'a\nb\nc'],
  ])('%s', (_name, data, received) => {
    expect(receive({ data }).data).toBe(received)
  })

  test('its size counts bytes, not characters', () => {
    expect(() => receive({ data: 'é'.repeat(MAX_MESSAGE_BYTES / 2 + 1) })).toThrow(/bytes/)
    expect(receive({ data: 'é'.repeat(MAX_MESSAGE_BYTES / 2) }).data).toHaveLength(
      MAX_MESSAGE_BYTES / 2,
    )
  })
})

test('an ephemeral message carries no id, a stored one its position', () => {
  expect(receive({ ephemeral: true }).id).toBeUndefined()
  expect(receive({}).id).toBe(formatId(1))
})
