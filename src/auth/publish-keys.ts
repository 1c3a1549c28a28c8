import { createHash, timingSafeEqual } from 'node:crypto'

/** Shorter keys could be guessed (protocol §7). */
const MIN_PUBLISH_KEY_CHARACTERS = 16
const MAX_PUBLISH_KEY_CHARACTERS = 1024
const PRINTABLE_ASCII = /^[\x21-\x7e]+$/

/** What a key must be, for people who gave another one. */
export const PUBLISH_KEY_RULE =
  `keys of ${MIN_PUBLISH_KEY_CHARACTERS} to ${MAX_PUBLISH_KEY_CHARACTERS} printable ASCII characters ` +
  'without space, for example from: openssl rand -hex 24'

export function isPublishKey(text: string): boolean {
  const { length } = text
  const isLong = length >= MIN_PUBLISH_KEY_CHARACTERS && length <= MAX_PUBLISH_KEY_CHARACTERS
  return isLong && PRINTABLE_ASCII.test(text)
}

/** The keys that may do everything. */
export class PublishKeys {
  #digests: readonly Buffer[]

  constructor(keys: readonly string[]) {
    this.#digests = keys.map(digest)
  }

  /** From now on these are the keys. */
  replace(keys: readonly string[]): void {
    this.#digests = keys.map(digest)
  }

  /**
   * A name for the key that the token is, which does not tell it; undefined: it is none. Takes the same time whatever is
   * wrong with the token: digests have one length, and all are compared.
   */
  nameOf(token: string): string | undefined {
    const given = digest(token)
    let isKnown = false
    for (const known of this.#digests) if (timingSafeEqual(given, known)) isKnown = true
    return isKnown ? given.toString('base64') : undefined
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
