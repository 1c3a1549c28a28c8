import pLimit from 'p-limit'

/** Reads under way at the same time on a line that keeps up. */
const MAX_READS = 32
/** So much longer than on an idle line a read may take, waiting behind others: publishes wait as long. */
const MAX_WAIT_MS = 300

/**
 * As many reads as the line to Redis bears. All replies share one connection: on a narrow line more of them only wait
 * for each other, and publishes behind them, until all are given up and asked for again (measured: on 500 KB/s, 100
 * clients that resume 60 KB each got nothing in a minute).
 */
export class ReadWindow {
  readonly #limit = pLimit(MAX_READS)
  /** Of a read that waits for no other. */
  #aloneMs = Infinity
  #shrunkAtMs = 0

  get size(): number {
    return this.#limit.concurrency
  }

  run<T>(read: () => Promise<T>): Promise<T> {
    return this.#limit(async () => {
      const startedMs = performance.now()
      try {
        return await read()
      } finally {
        this.#adapt(startedMs, performance.now())
      }
    })
  }

  #adapt(startedMs: number, endedMs: number): void {
    const tookMs = endedMs - startedMs
    this.#aloneMs = this.size === 1 ? tookMs : Math.min(this.#aloneMs, tookMs)
    if (tookMs <= this.#aloneMs + MAX_WAIT_MS) {
      this.#limit.concurrency = Math.min(MAX_READS, this.size + 1)
    } else if (startedMs >= this.#shrunkAtMs) {
      // else it was asked for when there were more of them
      this.#shrunkAtMs = endedMs
      this.#limit.concurrency = Math.max(1, Math.floor(this.size / 2))
    }
  }
}
