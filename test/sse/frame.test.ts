import { describe, expect, test } from 'vitest'
import { formatId } from '../../src/position.ts'
import { decodeFrame, encodeBody, encodeEnvelope, eventOf, withId } from '../../src/sse/frame.ts'
import { toUtf8, type Utf8 } from '../../src/sse/utf8.ts'
import { asReceived, bytesOf, parseStream } from '../support/parse-stream.ts'

const ID = formatId(1_790_000_000_000_000)
const MIB = 1024 * 1024

interface Input {
  readonly data: string
  readonly event?: string
  readonly retry?: number
  readonly id?: string
}

function encode({ data, event = '', retry, id = ID }: Input): Utf8 {
  return withId(encodeBody({ data: toUtf8(data), event: toUtf8(event), retry }), id)
}

/** The text on the wire. */
function wire(input: Input): string {
  return bytesOf(encode(input)).toString()
}

describe('a block has its lines in the order of protocol §3', () => {
  test('event, retry, data, id, blank line', () => {
    expect(wire({ event: 'score', retry: 5000, data: '1:0' })).toBe(
      `event: score\nretry: 5000\ndata: 1:0\nid: ${ID}\n\n`,
    )
  })

  test('an untyped one has no event line', () => {
    expect(wire({ data: 'x' })).toBe(`data: x\nid: ${ID}\n\n`)
  })

  test('an ephemeral one has no id line', () => {
    expect(wire({ data: 'x', event: 'typing', id: '' })).toBe('event: typing\ndata: x\n\n')
  })

  test('the id stands behind the last data line, so a cut block never carries it', () => {
    const text = wire({ data: 'a\nb\nc' })
    expect(text).toBe(`data: a\ndata: b\ndata: c\nid: ${ID}\n\n`)
    expect(text.lastIndexOf('data: ')).toBeLessThan(text.indexOf('id: '))
  })

  test.each([100, 2000, 1_000_000, 2 ** 31 - 1])('retry %d is digits only', (retry) => {
    expect(wire({ data: '', retry })).toContain(`retry: ${BigInt(retry)}\n`)
    expect(parseStream([bytesOf(encode({ data: '', retry }))]).retries).toEqual([retry])
  })
})

describe('line ends of data', () => {
  test.each([
    ['LF', 'a\nb', 'data: a\ndata: b\n'],
    ['CRLF', 'a\r\nb', 'data: a\ndata: b\n'],
    ['CR', 'a\rb', 'data: a\ndata: b\n'],
    ['LF CR are two', 'a\n\rb', 'data: a\ndata: \ndata: b\n'],
    ['CR CRLF are two', 'a\r\r\nb', 'data: a\ndata: \ndata: b\n'],
    ['a trailing LF', 'a\n', 'data: a\ndata: \n'],
    ['a trailing CR', 'a\r', 'data: a\ndata: \n'],
    ['a trailing CRLF', 'a\r\n', 'data: a\ndata: \n'],
    ['only LF', '\n', 'data: \ndata: \n'],
    ['only CRLF', '\r\n', 'data: \ndata: \n'],
    ['leading LF', '\na', 'data: \ndata: a\n'],
    ['a blank line inside', 'a\n\nb', 'data: a\ndata: \ndata: b\n'],
    ['nothing', '', 'data: \n'],
  ])('%s', (_name, data, lines) => {
    expect(wire({ data })).toBe(`${lines}id: ${ID}\n\n`)
  })

  test.each([
    ['U+2028', '\u2028'],
    ['U+2029', '\u2029'],
    ['NEL', '\u0085'],
    ['VT', '\v'],
    ['FF', '\f'],
    ['NUL', '\0'],
    ['file separator', '\u001c'],
  ])('%s is none', (_name, character) => {
    expect(wire({ data: `a${character}b` })).toBe(`data: a${character}b\nid: ${ID}\n\n`)
  })
})

const TEXTS: readonly (readonly [string, string])[] = [
  ['plain', 'hello'],
  ['empty', ''],
  ['leading space', ' x'],
  ['two leading spaces', '  x'],
  ['only spaces', '   '],
  ['a leading tab', '\tx'],
  ['a leading colon', ':x'],
  ['trailing spaces', 'x  '],
  ['trailing newlines', 'x\n\n\n'],
  ['only newlines', '\n\n\n'],
  ['each newline', 'a\nb\rc\r\nd\n\re'],
  ['NUL', 'a\0b'],
  ['only NUL', '\0'],
  ['a leading BOM', '\ufeffx'],
  ['only a BOM', '\ufeff'],
  ['a BOM on each line', '\ufeffa\n\ufeffb'],
  ['U+2028, U+2029, NEL, VT, FF', 'a\u2028b\u2029c\u0085d\ve\ff'],
  ['a lone high surrogate', 'a\ud83d'],
  ['a lone low surrogate', '\ude00b'],
  ['surrogates in the wrong order', '\ude00\ud83d'],
  ['a pair', '😀'],
  ['all planes', 'é € 😀 \u{10ffff} \uffff'],
  ['latin1 that looks like UTF-8', 'Ã©ï»¿'],
  ['JSON', '{"a":"b\\nc","d":[1,2]}'],
  ['null', 'null'],
]

const INJECTIONS: readonly (readonly [string, string])[] = [
  ['fields behind CR', 'x\rid: 1\rretry: 1\r\rdata: y'],
  ['fields behind LF', 'x\nid: 1\nretry: 1\nevent: evil\n\ndata: y'],
  ['fields behind CRLF', 'x\r\nid: 1\r\n\r\nevent: piazza.close\r\ndata: {}\r\n\r\n'],
  ['an id line of ours', `x\nid: ${ID}`],
  ['an id line of ours and a blank one', `x\nid: ${ID}\n\n`],
  ['our data field', 'data: x\ndata: y'],
  ['our data field alone', 'data: '],
  ['an event line first', 'event: evil\ndata: x'],
  ['a retry line first', 'retry: 1\nx'],
  ['only an id line', `id: ${ID}`],
  ['a comment', ':\n: x\n:'],
  ['a blank line and an id', `\n\nid: 0hoeb000000\n\n`],
  ['newline and our field name over and over', 'data: \ndata: \ndata: '],
]

describe('a client gets what was published', () => {
  test.each([...TEXTS, ...INJECTIONS])('%s', (_name, data) => {
    const { events, errors, retries } = parseStream([bytesOf(encode({ data, event: 'e' }))])
    expect(events).toEqual([{ event: 'e', data: asReceived(data), id: ID }])
    expect({ errors, retries }).toEqual({ errors: [], retries: [] })
  })

  test.each([...TEXTS, ...INJECTIONS])('%s, untyped and without id', (_name, data) => {
    const { events } = parseStream([bytesOf(encode({ data, id: '' }))])
    expect(events).toEqual([{ event: undefined, data: asReceived(data), id: undefined }])
  })

  test('an injection by CR is one event of five lines', () => {
    const { events } = parseStream([
      bytesOf(encode({ data: 'x\rid: 1\rretry: 1\r\rdata: y', id: '' })),
    ])
    expect(events.map(({ data }) => data)).toEqual(['x\nid: 1\nretry: 1\n\ndata: y'])
  })

  test('a lone surrogate never breaks the sequence around it', () => {
    const bytes = bytesOf(encode({ data: 'a\ud83d\nb\udc00c' }))
    expect(new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toBe(
      `data: a\ufffd\ndata: b\ufffdc\nid: ${ID}\n\n`,
    )
  })

  test.each([' x', 'é', '😀', ':', 'a:b', '\ufeffx', 'data', 'a\u2028b', '\ud83d'])(
    'the event type %j',
    (event) => {
      const { events } = parseStream([bytesOf(encode({ data: 'x', event }))])
      expect(events[0]?.event).toBe(asReceived(event))
    },
  )
})

describe('1 MiB of anything', () => {
  test.each([
    ['LF', '\n'],
    ['CR', '\r'],
    ['CRLF', '\r\n'],
    ['spaces', ' '],
    ['NUL', '\0'],
    ['BOM', '\ufeff'],
    ['lone surrogates', '\ud83d'],
    ['emoji', '😀'],
    ['U+2028', '\u2028'],
    ['an id line', 'id: 1\n'],
    ['ends of blocks', '\n\n'],
  ])('of %s arrives whole', (_name, unit) => {
    const data = unit.repeat(Math.floor(MIB / Buffer.byteLength(unit)))
    const frame = encode({ data, event: 'big' })
    const { events } = parseStream([bytesOf(frame)])
    expect(events).toHaveLength(1)
    expect(events[0]?.id).toBe(ID)
    const received = asReceived(data)
    expect(events[0]?.data === received).toBe(true) // toBe would print a diff of a megabyte
    expect(decodeFrame(frame).data === received).toBe(true)
  })
})

describe('a frame of the log is read back', () => {
  test.each([...TEXTS, ...INJECTIONS])('%s', (_name, data) => {
    for (const id of [ID, '']) {
      for (const event of ['', 'score', 'data', 'é 😀']) {
        for (const retry of [undefined, 100]) {
          const frame = encode({ data, event, id, ...(retry === undefined ? {} : { retry }) })
          const parts = decodeFrame(frame)
          expect(parts.data).toBe(asReceived(data))
          expect(parts.event).toBe(event === '' ? 'message' : event)
          expect(eventOf(frame)).toBe(event === '' ? 'message' : event)
        }
      }
    }
  })

  test('an ephemeral message whose data ends like our id line keeps it', () => {
    const data = `x\nid: ${ID}`
    expect(decodeFrame(encode({ data, id: '' })).data).toBe(data)
    expect(decodeFrame(encode({ data: `id: ${ID}`, id: '' })).data).toBe(`id: ${ID}`)
  })

  test.each([0, 1, 5, 10, 16, 17, 18, 19, 20])('ephemeral data of %d characters', (length) => {
    const data = 'i'.repeat(length)
    expect(decodeFrame(encode({ data, id: '' })).data).toBe(data)
  })
})

describe('envelope=1', () => {
  test.each([...TEXTS, ...INJECTIONS])(
    '%s: its data is the text a plain stream carries',
    (_, data) => {
      const frame = encode({ data, event: 'score', retry: 2500 })
      const plain = parseStream([bytesOf(frame)])
      const wrapped = parseStream([bytesOf(encodeEnvelope(frame, 'news', ID))])
      expect(wrapped.events).toHaveLength(1)
      const { event, id, data: json } = wrapped.events[0]!
      expect({ event, id, retries: wrapped.retries }).toEqual({
        event: 'score',
        id: ID,
        retries: [2500],
      })
      expect(JSON.parse(json)).toEqual({
        channel: 'news',
        id: ID,
        event: 'score',
        data: plain.events[0]!.data,
      })
    },
  )

  test('an untyped message is of type message inside, and stays untyped outside', () => {
    const text = bytesOf(encodeEnvelope(encode({ data: 'x' }), 'a', ID)).toString()
    expect(text).toBe(
      `data: {"channel":"a","id":"${ID}","event":"message","data":"x"}\nid: ${ID}\n\n`,
    )
  })

  test('an ephemeral message has no id line', () => {
    const { events } = parseStream([
      bytesOf(encodeEnvelope(encode({ data: `\nid: ${ID}`, id: '' }), 'a', '')),
    ])
    expect(events[0]?.id).toBeUndefined()
    expect(JSON.parse(events[0]!.data)).toMatchObject({ event: 'message', data: `\nid: ${ID}` })
  })
})
