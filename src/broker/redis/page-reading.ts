import { type Position } from '../../position.ts'
import { type Argument } from './commands.ts'
import { type Question, type Readings, startOf } from './proof.ts'
import { type ChannelReading, readArguments, type Reading } from './reading.ts'

/** Frames in one page: a stalled stream costs no more. */
const PAGE_BYTES = 64 * 1024
const PAGE_ENTRIES = 500

/**
 * One page, read by as many scripts as it needs: each has room for so many bytes, and where messages are large that is
 * one channel. Those that are known to have nothing for long are read last, or by a later page.
 */
export class PageReading {
  readonly #question: Question
  /** Indices of channels, those that are read from the lowest place first. */
  readonly #order: readonly number[]
  #read = 0
  #channels: (ChannelReading | undefined)[]
  #clock: Position = Number.MAX_SAFE_INTEGER
  #latest: Position = 0
  #born: Position | undefined

  constructor(question: Question) {
    this.#question = question
    const indices = question.channels.map((_, i) => i)
    this.#order = indices.toSorted((a, b) => startOf(question, a) - startOf(question, b))
    this.#channels = indices.map(() => undefined)
  }

  /** Arguments of the next script; empty: the page is whole. */
  get wants(): readonly Argument[] {
    if (this.#isWhole) return []
    const { channels, from, kind } = this.#question
    const left = this.#order.slice(this.#read)
    return readArguments({
      channels: left.map((i) => channels[i]!),
      from: left.map((i) => startOf(this.#question, i)),
      ...(kind === 'after' ? { named: from } : {}),
      maxBytes: PAGE_BYTES,
      maxEntries: PAGE_ENTRIES,
    })
  }

  add({ born, latest, clock, channels }: Reading): void {
    if (this.#born === undefined) {
      this.#born = born
      this.#latest = latest
    } else if (born !== this.#born) {
      this.#restart() // what was read before is of data that are lost
      return
    }
    this.#clock = Math.min(this.#clock, clock)
    for (const channel of channels) {
      this.#channels[this.#order[this.#read]!] = channel
      this.#read += 1
    }
    this.#channels = keepLowest(this.#channels, PAGE_BYTES)
  }

  get readings(): Readings {
    const [clock, latest, born] = [this.#clock, this.#latest, this.#born!]
    return { clock, latest, born, channels: this.#channels }
  }

  /** All are read, or the others are known to have nothing up to the first message. */
  get #isWhole(): boolean {
    const next = this.#order[this.#read]
    if (next === undefined) return true
    const first = Math.min(...this.#channels.map((one) => one?.entries[0]?.position ?? Infinity))
    return first <= startOf(this.#question, next)
  }

  #restart(): void {
    this.#born = undefined
    this.#read = 0
    this.#clock = Number.MAX_SAFE_INTEGER
    this.#channels = this.#channels.map(() => undefined)
  }
}

/** The messages that come first, as many as `maxBytes` hold and at least one; the frames of the others are let go. */
function keepLowest(
  channels: readonly (ChannelReading | undefined)[],
  maxBytes: number,
): (ChannelReading | undefined)[] {
  const all = channels.flatMap((channel) => channel?.entries ?? [])
  all.sort((a, b) => a.position - b.position)
  let bytes = 0
  let position: Position | undefined
  const over = all.find((entry) => {
    if (entry.position === position) return false // it went to several of them
    const isFirst = position === undefined
    position = entry.position
    bytes += entry.body.length
    return !isFirst && bytes > maxBytes
  })
  if (over === undefined) return [...channels]
  return channels.map((channel) => {
    if (channel === undefined) return undefined
    const entries = channel.entries.filter((entry) => entry.position < over.position)
    return {
      ...channel,
      entries,
      hasMore: channel.hasMore || entries.length < channel.entries.length,
    }
  })
}
