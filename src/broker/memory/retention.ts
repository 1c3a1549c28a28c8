import { type Log, type LogLimits } from '../../log/log.ts'
import { type Metrics } from '../../metrics.ts'
import { type Position } from '../../position.ts'

/**
 * Heap of a channel that has a log, without its messages: maps, names, `Log`. Measured by `bench/log-memory.mjs`,
 * rounded up.
 */
const CHANNEL_OVERHEAD_BYTES = 640

export interface RetentionLimits extends LogLimits {
  /** Of all logs, with overhead. */
  readonly totalBytes: number
}

/** Keeps the logs that have messages within their limits, and tells which have become empty. */
export class Retention {
  readonly #limits: RetentionLimits
  readonly #metrics: Metrics
  readonly #onEmpty: (log: Log) => void
  /** Least recently published first. */
  readonly #logs = new Map<string, Log>()
  #newest: Log | undefined
  #bytes = 0

  constructor(limits: RetentionLimits, metrics: Metrics, onEmpty: (log: Log) => void) {
    this.#limits = limits
    this.#metrics = metrics
    this.#onEmpty = onEmpty
  }

  /** Memory of all logs, bytes. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#logs.size
  }

  find(channel: string): Log | undefined {
    return this.#logs.get(channel)
  }

  /** Changes a log by `change`, then brings it, and the whole, within the limits. */
  change(log: Log, now: Position, change: () => void): void {
    const wasRetained = log.length > 0
    const before = wasRetained ? log.memory : 0
    change()
    log.trim(this.#limits, now)
    this.#bytes += log.memory - before
    if (log.length > 0 && !wasRetained) this.#bytes += CHANNEL_OVERHEAD_BYTES
    if (log.length === 0) this.#forget(log, wasRetained)
    else this.#moveToNewest(log)
    this.#enforceTotal()
  }

  /** Brings one log within its limits before it is read. */
  trim(log: Log, now: Position): void {
    if (log.length === 0) return
    const before = log.memory
    log.trim(this.#limits, now)
    this.#bytes += log.memory - before
    if (log.length === 0) this.#forget(log, true)
  }

  /** Forgets channels whose newest message has aged out, looking at `maxChannels`; true: there may be more. */
  expire(now: Position, maxChannels: number): boolean {
    const oldestKept = now - this.#limits.maxAgeMs * 1000
    const sizeBefore = this.#logs.size
    let left = maxChannels
    for (const log of this.#logs.values()) {
      if (log.end >= oldestKept) return false
      if (left === 0) return this.#logs.size < sizeBefore
      left -= 1
      this.trim(log, now)
    }
    return false
  }

  #moveToNewest(log: Log): void {
    if (this.#newest === log) return
    this.#logs.delete(log.channel)
    this.#logs.set(log.channel, log)
    this.#newest = log
  }

  #forget(log: Log, wasRetained: boolean): void {
    if (wasRetained) this.#bytes -= CHANNEL_OVERHEAD_BYTES
    this.#logs.delete(log.channel)
    if (this.#newest === log) this.#newest = undefined
    this.#onEmpty(log)
  }

  /** The oldest idle channels pay first; the newest message of all stays. */
  #enforceTotal(): void {
    while (this.#bytes > this.#limits.totalBytes) {
      const log = this.#logs.values().next().value
      if (log === undefined || (log.length === 1 && this.#logs.size === 1)) return
      const before = log.memory
      log.dropOldest()
      this.#bytes += log.memory - before
      this.#metrics.messagesEvictedByTotal += 1
      if (log.length === 0) this.#forget(log, true)
    }
  }
}
