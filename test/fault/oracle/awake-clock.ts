/** Ticks that come so late count as this: meanwhile this process stood still, and could measure nobody. */
const MAX_TICK_MS = 100
const TICK_MS = 20

/** Time as far as this process was awake: on a busy machine it may stand still for seconds, and others with it. */
export class AwakeClock {
  #nowMs = 0
  #tickedAtMs = performance.now()
  readonly #timer = setInterval(() => this.#tick(), TICK_MS)

  get nowMs(): number {
    return this.#nowMs
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const nowMs = performance.now()
    this.#nowMs += Math.min(MAX_TICK_MS, nowMs - this.#tickedAtMs)
    this.#tickedAtMs = nowMs
  }
}
