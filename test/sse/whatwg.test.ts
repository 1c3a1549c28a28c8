import { createParser } from 'eventsource-parser'
import { describe, expect, test } from 'vitest'
import { cut, parseStream } from '../support/parse-stream.ts'

/**
 * Our oracle is a streaming `TextDecoder` and eventsource-parser 3. These are the parsing rules of WHATWG HTML §9.2.6
 * (most vectors from WPT `eventsource/`), so that we know that it obeys them, and where it can't see a mistake.
 */
const LONG = 'x'.repeat(2000)
const BOM = '\ufeff'

/** Untyped events' data. */
function dataOf(stream: string): string[] {
  return parseStream([Buffer.from(stream)]).events.map(({ data }) => data)
}

interface Vector {
  readonly rule: string
  readonly stream: string
  readonly data: readonly string[]
}

const DATA_VECTORS: readonly Vector[] = [
  {
    rule: '1 one leading BOM is stripped; on a later line it is part of the field name',
    stream: `${BOM}data:1\n\n${BOM}data:2\n\ndata:3\n\n`,
    data: ['1', '3'],
  },
  {
    rule: '2 of two leading BOMs only the first is stripped',
    stream: `${BOM}${BOM}data:1\n\ndata:2\n\ndata:3\n\n`,
    data: ['2', '3'],
  },
  {
    rule: '3 CR, LF and CRLF end lines; comments may be long and hold NUL',
    stream: `data:1\r:\0\n:\r\ndata:2\n:${LONG}\rdata:3\n:data:fail\r:${LONG}\ndata:4\n\n`,
    data: ['1\n2\n3\n4'],
  },
  { rule: '4 a block without blank line is discarded', stream: 'data:1\n\ndata:2\n', data: ['1'] },
  { rule: '4 also when its line is not finished', stream: 'data:1\n\ndata:2', data: ['1'] },
  {
    rule: '5 empty data is an event, data without colon an empty line',
    stream: 'data:\n\ndata\ndata\n\ndata:test\n\n',
    data: ['', '\n', 'test'],
  },
  {
    rule: '6 exactly one space behind the colon is removed, a tab is kept',
    stream: 'data:\ttest\rdata: \ndata:  x\ndata:test\n\n',
    data: ['\ttest\n\n x\ntest'],
  },
  {
    rule: '13 field names are case-sensitive and exact, unknown ones are skipped',
    stream:
      'Data:1\n data:2\ndata :3\ndata\t:4\nda-ta:5\nDATA\n:data:6\n\ndata:\0\ndata:  2\rData:1\n\0data:2\ndata:1\n\ndata:4\n\n',
    data: ['\0\n 2\n1', '4'],
  },
  {
    rule: '14 blank lines alone dispatch nothing, kinds of newline mix',
    stream: '\n\n\r\r\r\n\r\ndata:test\r\ndata\ndata:test\r\n\r\r\r\n\n\n',
    data: ['test\n\ntest'],
  },
  {
    rule: '14 lines join by LF, and the last LF is removed once',
    stream: 'data:a\ndata:\ndata:\n\n',
    data: ['a\n\n'],
  },
  { rule: '15 NUL is data', stream: 'data:\0\n\n\n\n', data: ['\0'] },
  {
    rule: '16 UTF-8, also four bytes, and U+FFFD as text',
    stream: 'data:ok…é😀\ufffd\n\n',
    data: ['ok…é😀\ufffd'],
  },
  {
    rule: 'U+2028, U+2029, NEL, VT and FF end no line',
    stream: 'data:a\u2028b\u2029c\u0085d\ve\ff\n\n',
    data: ['a\u2028b\u2029c\u0085d\ve\ff'],
  },
]

describe('data', () => {
  test.each(DATA_VECTORS)('$rule', ({ stream, data }) => {
    expect(dataOf(stream)).toEqual(data)
  })

  test.each(DATA_VECTORS)('$rule, whatever the cuts', ({ stream, data }) => {
    for (const sizes of [[1], [2], [3], [1, 7], [100, 1], [1999]]) {
      const { events } = parseStream(cut(Buffer.from(stream), sizes))
      expect(events.map((event) => event.data)).toEqual(data)
    }
  })

  test('16 invalid bytes become U+FFFD, whatever a charset parameter says', () => {
    const bytes = Buffer.from([...Buffer.from('data:a'), 0xff, 0xc3, 0x0a, 0x0a])
    expect(parseStream([bytes]).events.map(({ data }) => data)).toEqual(['a\ufffd\ufffd'])
  })

  test('17 a CRLF cut in two counts once', () => {
    const { events } = parseStream(
      ['data:a\r', '\ndata:b\r', '\n\r', '\n', 'data:c\n\n'].map((piece) => Buffer.from(piece)),
    )
    expect(events.map(({ data }) => data)).toEqual(['a\nb', 'c'])
  })

  test('8 a multibyte character of an id is cut like any other', () => {
    const { events } = parseStream(cut(Buffer.from('id:…\ndata:1\n\n'), [4, 1]))
    expect(events[0]?.id).toBe('…')
  })
})

describe('event', () => {
  test.each([
    ['7 names the type', 'event:test\ndata:x\n\ndata:y\n\n', ['test', undefined]],
    ['7 empty is the type message', 'event: \ndata:data\n\n', [undefined]],
    ['7 the last one counts', 'event:a\nevent:b\ndata:x\n\n', ['b']],
    ['7 an empty one takes it back', 'event:a\nevent\ndata:x\n\n', [undefined]],
    ['7 it is forgotten at a blank line without data', 'event:a\n\ndata:x\n\n', [undefined]],
    ['7 it may stand behind the data', 'data:x\nevent:a\n\n', ['a']],
  ])('%s', (_rule, stream, types) => {
    expect(parseStream([Buffer.from(stream)]).events.map(({ event }) => event)).toEqual(types)
  })
})

describe('id', () => {
  test.each([
    ['8 is given with its event', 'id:1\ndata:x\n\n', ['1']],
    ['8 may stand behind the data', 'data:x\nid:1\n\n', ['1']],
    ['8 the last one counts', 'id:1\nid:2\ndata:x\n\n', ['2']],
    ['9 an empty one resets it', 'id:1\ndata:x\n\nid:\ndata:y\n\nid\ndata:z\n\n', ['1', '', '']],
    ['10 one with NUL is ignored', 'id:a\0b\ndata:x\n\nid:1\nid:\0\ndata:y\n\n', [undefined, '1']],
    ['8 keeps further spaces and colons', 'id:  a:b \ndata:x\n\n', [' a:b ']],
  ])('%s', (_rule, stream, ids) => {
    expect(parseStream([Buffer.from(stream)]).events.map(({ id }) => id)).toEqual(ids)
  })
})

describe('retry', () => {
  test.each([
    ['12 digits', 'retry:2000\nretry: 3000\n\n', [2000, 3000]],
    ['12 leading zeros', 'retry:0010\n', [10]],
    ['12 counts without data, and at once', 'retry:7\n', [7]],
    ['12 with a letter', 'retry:2000\nretry:1000x\n', [2000]],
    ['12 empty, with and without colon', 'retry\nretry:\nretry: \n', []],
    ['12 signs', 'retry:+1\nretry:-1\n', []],
    ['12 fractions, exponents, hexadecimal', 'retry:1.5\nretry:1e3\nretry:0x10\n', []],
    ['12 a second space', 'retry:  1000\nretry:1000 \n', []],
    ['12 digits of other scripts', 'retry:١٢٣\nretry:１０\n', []],
  ])('%s', (_rule, stream, retries) => {
    expect(parseStream([Buffer.from(stream)]).retries).toEqual(retries)
  })
})

test('28 heartbeats leave no trace between blocks', () => {
  const { events, comments } = parseStream([Buffer.from(':\n:\ndata:a\nid:1\n\n:\n:\ndata:b\n\n')])
  expect(events).toEqual([
    { data: 'a', id: '1', event: undefined },
    { data: 'b', id: undefined, event: undefined },
  ])
  expect(comments).toEqual(['', '', '', ''])
})

/** What WHATWG asks for and the oracle does otherwise: tests that parse with it can't see these. */
describe('known deviations of eventsource-parser 3', () => {
  test('9 the last event id does not persist: keeping it is left to its caller', () => {
    const { events } = parseStream([Buffer.from('id:1\ndata:a\n\ndata:b\n\n')])
    expect(events.map(({ id }) => id)).toEqual(['1', undefined]) // WHATWG: lastEventId '1' for both
  })

  test('11 an id without data is lost: it reports ids with events only', () => {
    const { events } = parseStream([Buffer.from('id:7\n\ndata:a\n\n')])
    expect(events).toEqual([{ data: 'a', id: undefined, event: undefined }]) // WHATWG: '7'
  })

  test('1 a BOM in a string is not stripped: it looks for the three bytes as latin1; our decoder strips it', () => {
    const data: string[] = []
    const onEvent = (event: { data: string }) => data.push(event.data)
    createParser({ onEvent }).feed(`${BOM}data:lost\n\n`)
    createParser({ onEvent }).feed('ï»¿data:stripped\n\n') // WHATWG: the field name "ï»¿data", ignored
    expect(data).toEqual(['stripped'])
  })

  test('17 a CR at the end of what has come is held back: an LF may follow; WHATWG may dispatch at once', () => {
    const data: string[] = []
    const parser = createParser({ onEvent: (event) => data.push(event.data) })
    parser.feed('data:a\r\r')
    expect(data).toEqual([])
    parser.feed('data:b\n')
    expect(data).toEqual(['a'])
  })
})
