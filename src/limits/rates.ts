import { TokenBucket } from 'limiter'
import { LRUCache } from 'lru-cache'

/**
 * Names whose rate is remembered. Beyond, whoever came longest ago is forgotten, and begins anew: who comes from so many
 * addresses gets around a limit of one address anyway.
 */
export const MAX_REMEMBERED_RATES = 100_000

/** A bucket that holds what one second brings, and is full. */
export function fullBucket(perSecond: number): TokenBucket {
  const bucket = new TokenBucket({
    bucketSize: perSecond,
    tokensPerInterval: perSecond,
    interval: 1000,
  })
  bucket.content = perSecond // the library begins with an empty one
  return bucket
}

/** What each name has left of something, bounded in number. */
export class Rates<T extends object> {
  readonly #remembered: LRUCache<string, T>
  readonly #create: () => T

  constructor(create: () => T, max = MAX_REMEMBERED_RATES) {
    this.#create = create
    this.#remembered = new LRUCache({ max })
  }

  get size(): number {
    return this.#remembered.size
  }

  of(name: string): T {
    let found = this.#remembered.get(name)
    if (found === undefined) {
      found = this.#create()
      this.#remembered.set(name, found)
    }
    return found
  }
}
