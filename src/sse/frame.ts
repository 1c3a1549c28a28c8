import { ID_LENGTH } from '../position.ts'
import { fromUtf8, toUtf8, type Utf8 } from './utf8.ts'

/** What a message's frame is made of. All text is UTF-8 bytes; `event` holds no CR, LF or NUL. */
export interface FrameFields {
  /** Empty: no `event:` line. */
  readonly event: Utf8
  readonly retry?: number | undefined
  readonly data: Utf8
}

const LINE_END = /\r\n|\r|\n/g
const HAS_LINE_END = /[\r\n]/
const EVENT_FIELD = 'event: '
const RETRY_FIELD = 'retry: '
const DATA_FIELD = 'data: '
const ID_FIELD = 'id: '

/**
 * One message as one contiguous block (protocol §3): `event:`, `retry:`, `data:` lines, `id:`, blank line. The id
 * stands behind the data, since several clients take the id of a block that was cut before its data. This is the part
 * before it: what is known before the broker has given out a position.
 */
export function encodeBody({ event, retry, data }: FrameFields): Utf8 {
  const head =
    (event === '' ? '' : `${EVENT_FIELD}${event}\n`) +
    (retry === undefined ? '' : `${RETRY_FIELD}${retry}\n`)
  const lines = HAS_LINE_END.test(data) ? data.replace(LINE_END, `\n${DATA_FIELD}`) : data
  return `${head}${DATA_FIELD}${lines}\n` as Utf8
}

/** A whole block. Empty `id`: no `id:` line. */
export function withId(body: Utf8, id: string): Utf8 {
  return flatten(id === '' ? `${body}\n` : `${body}${ID_FIELD}${id}\n\n`) as Utf8
}

/** The same block without its `id:` line: for a stream that has already passed its position (protocol §4). */
export function withoutId(frame: Utf8): Utf8 {
  const end = frame.length - 2 - ID_LENGTH - ID_FIELD.length
  return frame.startsWith(`\n${ID_FIELD}`, end - 1) ? (`${frame.slice(0, end)}\n` as Utf8) : frame
}

/** The parts of an encoded frame that readers other than a plain stream need (`events=`, `envelope=1`). */
export interface FrameParts {
  /** The event type a client sees: `message` when untyped. */
  readonly event: string
  /** The text a client sees: line ends are LF. */
  readonly data: string
  /** The `event:` and `retry:` lines as they stand. */
  readonly head: Utf8
}

/** Reads our own frames back: the log keeps only the encoded form. */
export function decodeFrame(frame: Utf8): FrameParts {
  let start = 0
  let event = 'message'
  if (frame.startsWith(EVENT_FIELD)) {
    start = frame.indexOf('\n') + 1
    event = fromUtf8(frame.slice(EVENT_FIELD.length, start - 1) as Utf8)
  }
  if (frame.startsWith(RETRY_FIELD, start)) start = frame.indexOf('\n', start) + 1
  const idLineStart = frame.length - 2 - ID_LENGTH - ID_FIELD.length
  const hasId = frame.startsWith(`\n${ID_FIELD}`, idLineStart - 1)
  const end = hasId ? idLineStart - 1 : frame.length - 2
  const lines = frame.slice(start + DATA_FIELD.length, end)
  return {
    event,
    data: fromUtf8(lines.replaceAll(`\n${DATA_FIELD}`, '\n') as Utf8),
    head: frame.slice(0, start) as Utf8,
  }
}

/** The event type of a frame, without decoding the rest. */
export function eventOf(frame: Utf8): string {
  if (!frame.startsWith(EVENT_FIELD)) return 'message'
  return fromUtf8(frame.slice(EVENT_FIELD.length, frame.indexOf('\n')) as Utf8)
}

/** The frame of `envelope=1`: the same message, its data wrapped with where it came from. */
export function encodeEnvelope(frame: Utf8, channel: string, id: string): Utf8 {
  const { event, data, head } = decodeFrame(frame)
  const envelope = { channel, id: id === '' ? null : id, event, data }
  return withId(`${head}${DATA_FIELD}${toUtf8(JSON.stringify(envelope))}\n` as Utf8, id)
}

/** Of no meaning; it is there so that what `flatten` reads is used. */
let lastRead = 0

/**
 * Concatenation gives V8 a tree of pieces, twice the size of the text (measured on Node 20 to 26: 280 instead of 147
 * bytes of heap for a message of 100 bytes) and slow to copy out; reading one character makes it one piece. From Node
 * 22 on the optimiser leaves out a reading that is not used, hence `lastRead`.
 */
function flatten(text: string): string {
  lastRead ^= text.charCodeAt(0)
  return text
}
