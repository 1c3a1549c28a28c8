import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMessage } from '../../src/log/message.ts'
import { formatId } from '../../src/position.ts'
import {
  closeFrame,
  endFrame,
  gapFrame,
  HEARTBEAT,
  openFrame,
  PADDING,
  pingFrame,
  positionFrame,
  preamble,
} from '../../src/sse/control-frame.ts'
import { decodeFrame, encodeEnvelope, eventOf } from '../../src/sse/frame.ts'
import { toUtf8, type Utf8 } from '../../src/sse/utf8.ts'
import { asReceived, bytesOf, cut, parseStream } from '../support/parse-stream.ts'

const FIRST = 1_790_000_000_000_000

/** Any UTF-16 code unit: most pairs of them are no character. */
const codeUnit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))
const LINE_ENDS = ['\r', '\n', '\r\n', '\n\n']
const NO_LINE_ENDS = ['\0', '\ufeff', '\u2028', '\u2029', '\u0085', '\v', '\f', '\t', ' ', ':']
const FIELDS = ['data: ', 'data:', 'id: ', 'event: ', 'retry: ', `id: ${formatId(FIRST)}`]
const CHARACTERS = ['\ud83d', '\ude00', '😀', 'é']
const awkward = fc.constantFrom(...LINE_ENDS, ...NO_LINE_ENDS, ...FIELDS, ...CHARACTERS)
const text = fc.oneof(
  fc.array(awkward, { maxLength: 12 }).map((parts) => parts.join('')),
  fc.string({ unit: codeUnit, maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc
    .array(fc.oneof(awkward, fc.string({ maxLength: 5 })), { maxLength: 12 })
    .map((parts) => parts.join('')),
)
const eventType = fc
  .string({ unit: fc.oneof(codeUnit, fc.constantFrom(' ', ':', 'a', '\ufeff')), maxLength: 30 })
  .map((name) => name.replaceAll(/[\r\n\0]/g, ''))
const message = fc.record({
  event: eventType,
  retry: fc.option(fc.integer({ min: 100, max: 2 ** 31 - 1 }), { nil: undefined }),
  data: text,
  isEphemeral: fc.boolean(),
})
const messages = fc.array(message, { maxLength: 12 })
const pieceSizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 })

const control: fc.Arbitrary<Utf8> = fc.constantFrom(
  HEARTBEAT,
  PADDING,
  preamble(2000),
  openFrame(15, FIRST),
  openFrame(null, FIRST),
  positionFrame(FIRST + 1),
  endFrame('a.b'),
  pingFrame(new Date(0)),
  closeFrame('drain', FIRST, 3000),
  gapFrame({ reason: 'evicted', channels: ['a'], after: FIRST, position: FIRST + 2 }, FIRST),
  gapFrame({ reason: 'unknown', channels: null, after: undefined, position: FIRST }, FIRST),
)

type Given = typeof message extends fc.Arbitrary<infer T> ? T : never

function frameOf({ event, retry, data, isEphemeral }: Given, i: number): Utf8 {
  return createMessage(
    {
      channels: ['a'],
      event: toUtf8(event),
      retry,
      data: toUtf8(data),
      isEphemeral,
      isEnd: false,
    },
    FIRST + i,
  ).frame
}

function expected(given: readonly Given[]) {
  return given.map(({ event, data, isEphemeral }, i) => ({
    event: event === '' ? undefined : asReceived(event),
    data: asReceived(data),
    id: isEphemeral ? undefined : formatId(FIRST + i),
  }))
}

test('whatever is published arrives, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(messages, pieceSizes, (given, sizes) => {
      const bytes = bytesOf(preamble(2000), ...given.map(frameOf))
      const parsed = parseStream(cut(bytes, sizes))
      expect(parsed.events).toEqual(expected(given))
      expect(parsed.errors).toEqual([])
      const retries = given.flatMap(({ retry }) => (retry === undefined ? [] : [retry]))
      expect(parsed.retries).toEqual([2000, ...retries])
    }),
    { numRuns: 1000 },
  )
})

test('heartbeats and control frames between blocks never disturb a message', () => {
  const stream = fc.array(fc.tuple(message, fc.array(control, { maxLength: 4 })), { maxLength: 8 })
  fc.assert(
    fc.property(stream, pieceSizes, (blocks, sizes) => {
      const given = blocks.map(([one]) => one)
      const frames = blocks.flatMap(([one, controls], i) => [...controls, frameOf(one, i)])
      const parsed = parseStream(cut(bytesOf(...frames), sizes))
      const arrived = parsed.events.filter(({ event }) => !event?.startsWith('piazza.'))
      expect(arrived).toEqual(expected(given))
      expect(parsed.errors).toEqual([])
    }),
    { numRuns: 500 },
  )
})

test('a stream that breaks off in the middle of a block gives only whole events', () => {
  fc.assert(
    fc.property(messages, fc.double({ min: 0, max: 1, noNaN: true }), (given, share) => {
      const frames = given.map(frameOf)
      const bytes = bytesOf(...frames)
      const end = Math.floor(bytes.length * share)
      let whole = 0
      for (let size = 0; whole < frames.length; whole += 1) {
        size += frames[whole]!.length
        if (size > end) break
      }
      expect(parseStream([bytes.subarray(0, end)]).events).toEqual(expected(given).slice(0, whole))
    }),
    { numRuns: 500 },
  )
})

test('the envelope carries exactly what a plain stream carries', () => {
  fc.assert(
    fc.property(messages, pieceSizes, (given, sizes) => {
      const ids = given.map(({ isEphemeral }, i) => (isEphemeral ? '' : formatId(FIRST + i)))
      const frames = given.map(frameOf)
      const wrapped = frames.map((frame, i) => encodeEnvelope(frame, 'a.b', ids[i]!))
      const { events } = parseStream(cut(bytesOf(...wrapped), sizes))
      const plain = parseStream([bytesOf(...frames)]).events
      expect(events.map(({ event, id }) => ({ event, id }))).toEqual(
        plain.map(({ event, id }) => ({ event, id })),
      )
      const inner = events.map((event) => JSON.parse(event.data) as { event: string; data: string })
      expect(inner.map(({ event, data }) => ({ event, data }))).toEqual(
        plain.map(({ event = 'message', data }) => ({ event, data })),
      )
    }),
    { numRuns: 500 },
  )
})

test('a frame of the log is read back as a client reads it', () => {
  fc.assert(
    fc.property(message, (given) => {
      const frame = frameOf(given, 0)
      const { event = 'message', data } = parseStream([bytesOf(frame)]).events[0]!
      expect(decodeFrame(frame)).toMatchObject({ event, data })
      expect(eventOf(frame)).toBe(event)
    }),
    { numRuns: 2000 },
  )
})

test('every frame is valid UTF-8', () => {
  const strict = new TextDecoder('utf-8', { fatal: true })
  fc.assert(
    fc.property(message, (given) => {
      strict.decode(bytesOf(frameOf(given, 0)))
    }),
    { numRuns: 500 },
  )
})
