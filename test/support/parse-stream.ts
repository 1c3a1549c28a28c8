import { createParser, type EventSourceMessage, type ParseError } from 'eventsource-parser'

/** What an independent parser makes of a stream's bytes. */
export interface Parsed {
  readonly events: readonly EventSourceMessage[]
  readonly retries: readonly number[]
  readonly comments: readonly string[]
  /** Unknown fields and bad `retry` values: the parser skips them, and says so. */
  readonly errors: readonly ParseError[]
}

/** Cuts the bytes into pieces of these sizes, over and over, as a network may. */
export function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let start = 0, i = 0; start < bytes.length; i += 1) {
    const end = start + sizes[i % sizes.length]!
    pieces.push(bytes.subarray(start, end))
    start = end
  }
  return pieces
}

/** Reads bytes as a browser does: a streaming UTF-8 decoder, then the parser. */
export function parseStream(pieces: readonly Buffer[]): Parsed {
  const events: EventSourceMessage[] = []
  const retries: number[] = []
  const comments: string[] = []
  const errors: ParseError[] = []
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onRetry: (retry) => retries.push(retry),
    onComment: (comment) => comments.push(comment),
    onError: (error) => errors.push(error),
  })
  // From Node 24 on, a TextDecoder that strips a BOM strips a second one too where the first is cut into pieces.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let isAtStart = true
  for (const piece of pieces) {
    const text = decoder.decode(piece, { stream: true })
    parser.feed(isAtStart && text.startsWith('\uFEFF') ? text.slice(1) : text)
    if (text !== '') isAtStart = false
  }
  return { events, retries, comments, errors }
}

/** The bytes of our frames, which hold one byte per character. */
export function bytesOf(...frames: readonly string[]): Buffer {
  return Buffer.from(frames.join(''), 'latin1')
}

/** What a client sees of a text: line ends are LF, a lone surrogate is U+FFFD. */
export function asReceived(text: string): string {
  const wellFormed = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    new TextEncoder().encode(text),
  )
  return wellFormed.split('\r\n').join('\n').split('\r').join('\n')
}
