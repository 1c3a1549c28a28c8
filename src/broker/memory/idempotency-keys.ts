import { LRUCache } from 'lru-cache'
import { type Metrics } from '../../metrics.ts'
import { type Position } from '../../position.ts'
import { type IdempotencyKey } from '../broker.ts'

/** Some 500 bytes each: 50 MB at the most. */
const MAX_KEYS = 100_000

interface Stored {
  readonly position: Position
  readonly contentHash: string
  readonly expiresAtMs: number
}

/** The keys of recent publications. At `maxKeys` the oldest is forgotten, and counted. */
export class IdempotencyKeys {
  readonly #ttlMs: number
  readonly #metrics: Metrics
  /** In the order of insertion, and so of expiry: keys are only peeked at. */
  readonly #keys: LRUCache<string, Stored>

  constructor(ttlMs: number, metrics: Metrics, maxKeys = MAX_KEYS) {
    this.#ttlMs = ttlMs
    this.#metrics = metrics
    this.#keys = new LRUCache({ max: maxKeys })
  }

  find(key: IdempotencyKey, nowMs: number): Stored | undefined {
    const stored = this.#keys.peek(nameOf(key))
    return stored !== undefined && stored.expiresAtMs > nowMs ? stored : undefined
  }

  add(key: IdempotencyKey, position: Position, contentHash: string, nowMs: number): void {
    const name = nameOf(key)
    this.#keys.delete(name) // an expired one
    this.#forgetExpired(nowMs)
    if (this.#keys.size === this.#keys.max) {
      this.#keys.pop()
      this.#metrics.idempotencyKeysForgotten += 1
    }
    this.#keys.set(name, { position, contentHash, expiresAtMs: nowMs + this.#ttlMs })
  }

  /** Called for each key added: it drops at most two, so work stays bounded and the rest shrinks. */
  #forgetExpired(nowMs: number): void {
    for (let left = 2; left > 0; left -= 1) {
      const oldest = this.#keys.rvalues().next().value
      if (oldest === undefined || oldest.expiresAtMs > nowMs) return
      this.#keys.pop()
    }
  }
}

function nameOf({ scope, key }: IdempotencyKey): string {
  return JSON.stringify([scope, key])
}
