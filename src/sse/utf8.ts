/**
 * UTF-8 bytes held in a string, one byte per character.
 *
 * Frames live in logs by the hundred thousand. Such a string costs its bytes plus 16, is moved and freed by the
 * garbage collector and pins nothing; a small Buffer costs its slab or, alone, some 300 bytes more (measured, see
 * docs/architecture.md). Written as `latin1` it comes out unchanged.
 */
export type Utf8 = string & { readonly encoding: 'utf8' }

/** Encodes text; a lone surrogate becomes U+FFFD. Text that is all ASCII is its own encoding. */
export function toUtf8(text: string): Utf8 {
  return (isAscii(text) ? text : Buffer.from(text).toString('latin1')) as Utf8
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}

/** Takes bytes that are already UTF-8. */
export function utf8FromBytes(bytes: Buffer): Utf8 {
  return bytes.toString('latin1') as Utf8
}

/** What a library that encodes strings by itself writes unchanged: all ASCII is cheaper as a string. */
export function toPayload(bytes: Utf8): string | Buffer {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1')
}

export function fromUtf8(bytes: Utf8): string {
  return Buffer.from(bytes, 'latin1').toString()
}
