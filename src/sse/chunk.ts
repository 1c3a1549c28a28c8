import { type Utf8 } from './utf8.ts'

/**
 * Bytes for many streams, framed once as one HTTP/1.1 chunk (RFC 9112 §7.1). A stream of HTTP/1.0 gets what is inside.
 */
export class Chunk {
  /** With the chunk's size line and trailing CRLF. */
  readonly framed: Buffer
  /** Bytes of content. */
  readonly length: number

  constructor(frames: readonly Utf8[]) {
    let length = 0
    for (const frame of frames) length += frame.length
    const size = `${length.toString(16)}\r\n`
    const framed = Buffer.allocUnsafe(size.length + length + 2)
    let offset = framed.write(size, 0, 'latin1')
    for (const frame of frames) offset += framed.write(frame, offset, 'latin1')
    framed.write('\r\n', offset, 'latin1')
    this.framed = framed
    this.length = length
  }

  get content(): Buffer {
    return this.framed.subarray(this.framed.length - 2 - this.length, this.framed.length - 2)
  }
}

/** The same for one stream: text that is written once needs no Buffer of its own. */
export function framedText(content: string): string {
  return `${content.length.toString(16)}\r\n${content}\r\n`
}

/** Ends a chunked body: its absence tells a client that the connection was cut. */
export const LAST_CHUNK = Buffer.from('0\r\n\r\n')
