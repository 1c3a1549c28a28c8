import { type Position } from '../position.ts'

/** What is heard within so long counts as heard when the first of it was. */
const SLOT_MS = 0.5
/** They reach back 8 s at least, beyond the last bucket of the histogram; what is older counts as heard with the oldest. */
const SLOTS = 16_384

/**
 * When this process heard what it delivers, by its own clock. A position can't tell: over Redis it is up to 10 s ahead
 * of the time, and another machine's.
 */
export class HeardTimes {
  /** Of each slot the last one heard; they rise. */
  readonly #positions = new Float64Array(SLOTS)
  readonly #timesMs = new Float64Array(SLOTS)
  /** Slots ever begun. */
  #count = 0

  /** One that comes late, or once more for another channel, counts as heard in its turn. */
  note(position: Position): void {
    const nowMs = performance.now()
    if (this.#count > 0) {
      const newest = (this.#count - 1) % SLOTS
      if (position <= this.#positions[newest]!) return
      if (nowMs - this.#timesMs[newest]! < SLOT_MS) {
        this.#positions[newest] = position
        return
      }
    }
    const slot = this.#count % SLOTS
    this.#positions[slot] = position
    this.#timesMs[slot] = nowMs
    this.#count += 1
  }

  /** By `performance.now()`. Only for what was noted. */
  timeOf(position: Position): number {
    let low = Math.max(0, this.#count - SLOTS)
    let high = this.#count - 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.#positions[middle % SLOTS]! < position) low = middle + 1
      else high = middle
    }
    return this.#timesMs[low % SLOTS]!
  }
}
