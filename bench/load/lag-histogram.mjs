const PER_MS = 20
const MAX_MS = 60_000

/** Counts lags in steps of 0.05 ms: millions a second, without keeping them. */
export class LagHistogram {
  count = 0
  max = 0
  #counts = new Uint32Array(MAX_MS * PER_MS + 1)

  add(ms, count = 1) {
    this.count += count
    if (ms > this.max) this.max = ms
    this.#counts[Math.min(Math.max(0, Math.floor(ms * PER_MS)), MAX_MS * PER_MS)] += count
  }

  /** A share of the lags was no longer. */
  quantile(share) {
    let left = Math.ceil(this.count * share)
    for (let step = 0; step < this.#counts.length; step += 1) {
      left -= this.#counts[step]
      if (left <= 0) return step / PER_MS
    }
    return this.max
  }

  clear() {
    this.count = 0
    this.max = 0
    this.#counts.fill(0)
  }
}
