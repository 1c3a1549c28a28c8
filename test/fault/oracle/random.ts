/** Random numbers that a seed repeats (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 ≤ x < 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** Whole number from min to max, both possible. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** 1 to `most` distinct ones, in random order. */
  some<T>(items: readonly T[], most: number): T[] {
    const left = [...items]
    const taken: T[] = []
    const count = this.between(1, Math.min(most, left.length))
    while (taken.length < count) taken.push(...left.splice(this.between(0, left.length - 1), 1))
    return taken
  }

  one<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)]!
  }

  shuffle<T>(items: readonly T[]): T[] {
    const left = [...items]
    return items.map(() => left.splice(this.between(0, left.length - 1), 1)[0]!)
  }

  /** A generator of its own, so that one actor's timing does not change another's choices. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32))
  }
}
