/** How many of each there are. It holds only names of which there is one, so it is bounded by what it counts. */
export class Tally {
  readonly #counts = new Map<string, number>()

  /** Names of which there is at least one. */
  get size(): number {
    return this.#counts.size
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1)
  }

  /** Follows an `add`, once. */
  remove(name: string): void {
    const left = this.of(name) - 1
    if (left > 0) this.#counts.set(name, left)
    else this.#counts.delete(name)
  }
}
