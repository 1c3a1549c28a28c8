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
  const isAscii = Buffer.byteLength(text) === text.length
  return (isAscii ? text : Buffer.from(text).toString('latin1')) as Utf8
}

/** Takes bytes that are already UTF-8. */
export function utf8FromBytes(bytes: Buffer): Utf8 {
  return bytes.toString('latin1') as Utf8
}

export function fromUtf8(bytes: Utf8): string {
  return Buffer.from(bytes, 'latin1').toString()
}
