import { type Position } from '../position.ts'
import { isDeletion, type Message } from './message.ts'

/**
 * Heap that a message costs beside its frame's characters: object, boxed position, string header, slot. Measured by
 * `bench/log-memory.mjs`, rounded up.
 */
export const MESSAGE_OVERHEAD_BYTES = 120

/** Kept at least, so that short logs don't reorganise at every drop. */
const DROPPED_BEFORE_COMPACTION = 64

/** The bounds of one channel's log. */
export interface LogLimits {
  readonly maxMessages: number
  readonly maxAgeMs: number
  /** Of frames. The newest message always stays. */
  readonly maxBytes: number
}

/** What closed a channel. */
export interface Ending {
  readonly position: Position
  /** Those that ended there. */
  readonly channels: readonly string[]
  readonly isDeletion: boolean
}

/** The bounded, ordered recent messages of a channel. Streams read it; only a broker writes. */
export class Log {
  readonly channel: string
  /** The channels of a message that went to this one only: one list for all of them, 60 bytes less each. */
  readonly onlyChannel: readonly string[]
  #base: Position
  #end: Position
  #messages: Message[] = []
  /** Where the retained ones begin in `#messages`. */
  #head = 0
  #bytes = 0
  #ending: Ending | undefined

  /** `base`: everything of this channel that is later is, and will be, in this log. */
  constructor(channel: string, base: Position) {
    this.channel = channel
    this.onlyChannel = [channel]
    this.#base = base
    this.#end = base
  }

  /** Everything later than this is retained: a cursor at or after it misses nothing. */
  get base(): Position {
    return this.#base
  }

  /** The position of the newest message ever appended; `base` at the beginning. */
  get end(): Position {
    return this.#end
  }

  get length(): number {
    return this.#messages.length - this.#head
  }

  /** Of frames. */
  get bytes(): number {
    return this.#bytes
  }

  /** Memory, bytes: frames and overhead. A message of several channels is counted in each. */
  get memory(): number {
    return this.#bytes + this.length * MESSAGE_OVERHEAD_BYTES
  }

  get newest(): Message | undefined {
    return this.length === 0 ? undefined : this.#messages.at(-1)
  }

  /** Messages, not counting the mark of a deletion. */
  get messageCount(): number {
    return this.isDeleted && this.length > 0 ? this.length - 1 : this.length
  }

  /** Undefined while the channel is open. It may be known though its message had to make room. */
  get ending(): Ending | undefined {
    return this.#ending
  }

  /** The position of the end or the deletion that closed the channel; undefined while it is open. */
  get endedAt(): Position | undefined {
    return this.#ending?.position
  }

  get isDeleted(): boolean {
    return this.#ending?.isDeletion === true
  }

  /** Ends it as of a message that is not here. */
  close(position: Position): void {
    this.#ending = { position, channels: this.onlyChannel, isDeletion: false }
  }

  /** Positions only rise. */
  append(message: Message): void {
    this.#messages.push(message)
    this.#bytes += message.frame.length
    this.#end = message.position
    const { position, channels, isEnd } = message
    this.#ending = isEnd ? { position, channels, isDeletion: isDeletion(message) } : undefined
  }

  /** Drops the oldest message; an end is still known. */
  dropOldest(): void {
    const oldest = this.#messages[this.#head]
    if (oldest === undefined) return
    this.#messages[this.#head] = undefined as never // freed now, not at the next compaction
    this.#head += 1
    if (!isDeletion(oldest)) this.#base = oldest.position // nothing is missed with a deletion's mark
    this.#bytes -= oldest.frame.length
    this.#compact()
  }

  /** Begins anew at a later place: what it held may not be complete up to there. */
  restart(position: Position): void {
    this.clear()
    this.#base = position
    this.#end = position
  }

  /** Drops all messages. */
  clear(): void {
    while (this.length > 0) this.dropOldest()
    this.#ending = undefined
  }

  /** Drops what exceeds the limits. */
  trim(limits: LogLimits, now: Position): void {
    const oldestKept = now - limits.maxAgeMs * 1000
    while (this.length > 0) {
      const isOver =
        this.length > 1 && (this.length > limits.maxMessages || this.#bytes > limits.maxBytes)
      const oldest = this.#messages[this.#head]
      const isExpired = oldest !== undefined && oldest.position < oldestKept && !isDeletion(oldest) // its broker times it
      if (!isOver && !isExpired) break
      this.dropOldest()
    }
    const isEndExpired = !this.isDeleted && this.#ending && this.#ending.position < oldestKept
    if (isEndExpired) this.#ending = undefined
  }

  /** Index of the first message later than `position`; `length` if there is none. */
  indexAfter(position: Position): number {
    if (position >= this.#end) return this.length
    let low = this.#head
    let high = this.#messages.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#messages[middle] as Message).position > position) high = middle
      else low = middle + 1
    }
    return low - this.#head
  }

  at(index: number): Message | undefined {
    return index < 0 ? undefined : this.#messages[this.#head + index]
  }

  #compact(): void {
    if (this.length === 0) {
      this.#messages = []
      this.#head = 0
    } else if (this.#head >= DROPPED_BEFORE_COMPACTION && this.#head >= this.length) {
      this.#messages = this.#messages.slice(this.#head)
      this.#head = 0
    }
  }
}
