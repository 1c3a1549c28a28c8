import { type Log, type LogLimits } from '../log/log.ts'
import { type Metrics } from '../metrics.ts'
import { type Position } from '../position.ts'
import { type ListPlace } from './broker.ts'

/**
 * Heap of a retained channel, without its messages: maps, names, `Log`. Measured by `bench/log-memory.mjs`, rounded up.
 */
const CHANNEL_OVERHEAD_BYTES = 470

export interface RetentionLimits extends LogLimits {
  /** Of all logs, with overhead. */
  readonly totalBytes: number
}

/** A retained channel, in a ring in the order of their last changes. */
interface Place {
  readonly log: Log
  older: Place
  newer: Place
}

/**
 * Keeps logs within their limits. A channel whose messages have gone stays known until the newest of them would have
 * aged out: then it is forgotten, and for whoever asks later nothing can be proved up to that message.
 */
export class Retention {
  readonly #limits: RetentionLimits
  readonly #metrics: Metrics
  readonly #onForget: (log: Log) => void
  readonly #places = new Map<string, Place>()
  /**
   * Beside the ring's end: `newer` is the oldest channel, `older` the newest. A ring and not the map's own order: a
   * map steps over every deleted entry to find its first (measured: a full budget made publishing ten times slower).
   */
  readonly #ends: Place
  #bytes = 0
  #channels = 0

  constructor(limits: RetentionLimits, metrics: Metrics, onForget: (log: Log) => void) {
    this.#limits = limits
    this.#metrics = metrics
    this.#onForget = onForget
    const ends = { log: undefined as unknown as Log } as Place
    ends.older = ends
    ends.newer = ends
    this.#ends = ends
  }

  /** Memory of all logs, bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Channels that have messages. */
  get channels(): number {
    return this.#channels
  }

  find(channel: string): Log | undefined {
    return this.#places.get(channel)?.log
  }

  /**
   * The most recently changed first. Those before `start` may be left out, so that paging through a million channels
   * does not begin anew for each page: it begins where that channel is by now, which is no later than it was.
   */
  *newestFirst(start?: ListPlace): Generator<Log> {
    let place = this.#places.get(start?.channel ?? '') ?? this.#ends.older
    while (place.newer !== this.#ends && place.newer.log.end === place.log.end) place = place.newer
    for (; place !== this.#ends; place = place.older) yield place.log
  }

  /** Lets go of a log, without forgetting what it had. */
  remove(channel: string): void {
    const place = this.#places.get(channel)
    if (place === undefined) return
    unlink(place)
    this.#places.delete(channel)
    this.#bytes -= CHANNEL_OVERHEAD_BYTES + place.log.memory
    if (place.log.messageCount > 0) this.#channels -= 1
  }

  /** Changes a log by `change`, then brings it, and the whole, within the limits. */
  change(log: Log, now: Position, change: () => void): void {
    this.#moveToNewest(log)
    this.#measure(log, () => {
      change()
      log.trim(this.#limits, now)
    })
    this.#enforceTotal()
  }

  /** Brings one log within its limits before it is read. */
  trim(log: Log, now: Position): void {
    if (log.length > 0 || log.ending !== undefined)
      this.#measure(log, () => log.trim(this.#limits, now))
  }

  /** Forgets channels whose newest message has aged out, looking at `maxChannels`; true: there may be more. */
  expire(now: Position, maxChannels: number): boolean {
    const oldestKept = now - this.#limits.maxAgeMs * 1000
    const sizeBefore = this.#places.size
    let left = maxChannels
    for (let place = this.#ends.newer; place !== this.#ends; place = place.newer) {
      if (place.log.end >= oldestKept) return false
      if (left === 0) return this.#places.size < sizeBefore
      left -= 1
      this.trim(place.log, now)
      if (place.log.length === 0) this.#forget(place)
    }
    return false
  }

  #measure(log: Log, change: () => void): void {
    const before = log.memory
    const hadMessages = log.messageCount > 0
    change()
    this.#bytes += log.memory - before
    const hasMessages = log.messageCount > 0
    if (hasMessages !== hadMessages) this.#channels += hasMessages ? 1 : -1
  }

  #moveToNewest(log: Log): void {
    let place = this.#places.get(log.channel)
    if (place === undefined) {
      place = { log, older: this.#ends, newer: this.#ends }
      this.#places.set(log.channel, place)
      this.#bytes += CHANNEL_OVERHEAD_BYTES
    } else {
      if (this.#ends.older === place) return
      unlink(place)
    }
    const newest = this.#ends.older
    place.older = newest
    place.newer = this.#ends
    newest.newer = place
    this.#ends.older = place
  }

  #forget(place: Place): void {
    this.remove(place.log.channel)
    this.#onForget(place.log)
  }

  /** The oldest idle channels pay first; the newest message of all stays. */
  #enforceTotal(): void {
    while (this.#bytes > this.#limits.totalBytes) {
      const oldest = this.#ends.newer
      const isLast = oldest === this.#ends.older
      if (isLast && oldest.log.length <= 1) return
      if (oldest.log.length > 0) {
        this.#measure(oldest.log, () => oldest.log.dropOldest())
        this.#metrics.messagesEvictedByTotal += 1
      }
      if (oldest.log.length === 0) this.#forget(oldest)
    }
  }
}

function unlink(place: Place): void {
  place.older.newer = place.newer
  place.newer.older = place.older
}
