import { type Metrics } from '../../metrics.ts'
import { type Announcement, sizeOf } from './announcement.ts'
import { type LocalChannel } from './local-channel.ts'

/** Live messages that wait for a comparison; more are dropped, and read back. */
const MAX_HELD_BYTES = 8 * 1024 * 1024

export interface Held {
  readonly channel: LocalChannel
  readonly announcement: Announcement
}

/**
 * Closed from the moment something may be missing until it is known what (rule 6): live messages wait here, so that
 * none overtakes what was missed.
 */
export class Gate {
  readonly #metrics: Metrics
  #held: Held[] = []
  #heldBytes = 0
  #hasOverflowed = false
  /** Undefined: it is open. */
  #closedAtMs: number | undefined
  #waiting: (() => void)[] = []

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  get isClosed(): boolean {
    return this.#closedAtMs !== undefined
  }

  /** Something had to be dropped: what it was must be read back. */
  get hasOverflowed(): boolean {
    return this.#hasOverflowed
  }

  close(): void {
    this.#closedAtMs ??= performance.now()
  }

  /**
   * Whoever waits is woken; returns what was held, in the order of positions: what was heard of a channel before its
   * baseline was there joins late.
   */
  open(): Held[] {
    const held = this.drop().toSorted((a, b) => a.announcement.position - b.announcement.position)
    if (this.#closedAtMs !== undefined) {
      this.#metrics.gateSeconds += (performance.now() - this.#closedAtMs) / 1000
    }
    this.#closedAtMs = undefined
    this.wake()
    return held
  }

  hold(channel: LocalChannel, announcement: Announcement): void {
    if (this.#hasOverflowed) return
    this.#held.push({ channel, announcement })
    this.#heldBytes += sizeOf(announcement)
    if (this.#heldBytes <= MAX_HELD_BYTES) return
    this.drop()
    this.#hasOverflowed = true
  }

  /** What is held, without letting go of it. */
  get held(): readonly Held[] {
    return this.#held
  }

  /** Lets go of what is held. */
  drop(): Held[] {
    const held = this.#held
    this.#held = []
    this.#heldBytes = 0
    this.#hasOverflowed = false
    return held
  }

  /** Resolves when it is open, or was woken all the same. */
  whenOpen(): Promise<void> {
    if (!this.isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
