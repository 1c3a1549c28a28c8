const SAMPLE_INTERVAL_MS = 100

/**
 * How late the event loop comes to what is due, time after time. One long turn is none: thousands that come at once
 * make one, and turning them away costs as much as taking them (measured), and they come again.
 */
export class LoopLag {
  readonly #timer: NodeJS.Timeout
  #dueMs = performance.now() + SAMPLE_INTERVAL_MS
  /** How late it came the last two times. */
  #lastMs = 0
  #secondLastMs = 0

  constructor() {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS).unref()
  }

  /** It came at least so late twice in a row, ms; what is overdue this moment counts as the second time. */
  get ms(): number {
    const overdueMs = performance.now() - this.#dueMs
    return Math.max(0, Math.min(this.#lastMs, Math.max(this.#secondLastMs, overdueMs)))
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#timer)
    this.#lastMs = 0
  }

  #sample(): void {
    const nowMs = performance.now()
    this.#secondLastMs = this.#lastMs
    this.#lastMs = nowMs - this.#dueMs
    this.#dueMs = nowMs + SAMPLE_INTERVAL_MS
  }
}
