import { createHash, timingSafeEqual } from 'node:crypto'

/** Shorter keys could be guessed (protocol §7). */
export const MIN_PUBLISH_KEY_CHARACTERS = 16

/** The keys that may do everything. */
export class PublishKeys {
  readonly #digests: readonly Buffer[]

  constructor(keys: readonly string[]) {
    this.#digests = keys.map(digest)
  }

  /** Takes the same time whatever is wrong with the token: digests have one length, and all are compared. */
  has(token: string): boolean {
    const given = digest(token)
    let isKnown = false
    for (const known of this.#digests) if (timingSafeEqual(given, known)) isKnown = true
    return isKnown
  }
}

function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
