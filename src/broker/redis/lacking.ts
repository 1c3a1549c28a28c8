import { type Position } from '../../position.ts'
import { type Announcement, sizeOf } from './announcement.ts'
import { type LocalChannel } from './local-channel.ts'
import { type ChannelReading } from './reading.ts'

/** A message that is known, and is read when its turn comes. */
interface Known {
  readonly position: Position
  readonly previous: Position
  readonly bytes: number
}

/** A channel that lacks messages, and what has been read of them. */
export class Lacking {
  readonly channel: LocalChannel
  /** Its newest position, as the comparison told. */
  readonly last: Position
  /** Read, not yet delivered; at the beginning, a DELETE that was missed. */
  #pending: Announcement[] = []
  /** The first of what is not held here. */
  #next: Known | undefined
  /** There may be more that is due. */
  #hasMore = true
  #wasDeleted = false

  constructor(channel: LocalChannel, last: Position, deletion?: Announcement) {
    this.channel = channel
    this.last = last
    if (deletion !== undefined) this.#pending.push(deletion)
  }

  get hasMore(): boolean {
    return this.#hasMore
  }

  /** By a DELETE that has not been heard yet: what it had is not missed. */
  get wasDeleted(): boolean {
    return this.#wasDeleted
  }

  get pending(): readonly Announcement[] {
    return this.#pending
  }

  get next(): Known | undefined {
    return this.#next
  }

  /** What comes first, whether it is held here or not. */
  get first(): Pick<Announcement, 'kind' | 'position' | 'previous'> | undefined {
    return this.#pending[0] ?? (this.#next && { kind: 'm', ...this.#next })
  }

  /** None of its messages is held, and there may be some. */
  get isUnread(): boolean {
    return this.#hasMore && this.#pending.every(({ kind }) => kind === 't')
  }

  /** Not even its first message is known. */
  get isUnknown(): boolean {
    return this.isUnread && this.#next === undefined
  }

  /** Everything up to here is held, or was delivered; undefined: all that is due. */
  get reached(): Position | undefined {
    if (!this.#hasMore) return undefined
    if (this.#next !== undefined) return this.#next.position - 1
    return this.#pending.at(-1)?.position ?? this.channel.log.end
  }

  /** What was read behind the log's end. Later than `clock`, nothing is due. */
  add({ entries, hasMore, mark }: ChannelReading, clock: Position): void {
    this.#wasDeleted = mark?.isDeletion === true
    const due = entries.filter(({ position }) => position <= clock)
    const beyond = entries[due.length]
    this.#pending.push(...due)
    this.#next = beyond && toKnown(beyond)
    this.#hasMore = hasMore && beyond === undefined
  }

  /** Takes what lies up to a position. */
  take(reached: Position): readonly Announcement[] {
    const count = this.#pending.findIndex(({ position }) => position > reached)
    return this.#pending.splice(0, count === -1 ? this.#pending.length : count)
  }

  /** Lets go of the messages that lie from a position on: they are read again. */
  letGo(position: Position): void {
    const start = this.#pending.findIndex((one) => one.kind !== 't' && one.position >= position)
    const [first] = start === -1 ? [] : this.#pending.splice(start)
    if (first === undefined) return
    this.#next = toKnown(first)
    this.#hasMore = true
  }
}

/** Of the channels whose messages were let go, those that come first: one at least, and as many as may be held. */
export function firstKnown(lacking: readonly Lacking[], maxBytes: number): Lacking[] {
  const waiting = lacking.flatMap((one) =>
    one.isUnread && one.next ? [{ one, next: one.next }] : [],
  )
  waiting.sort((a, b) => a.next.position - b.next.position)
  let bytes = 0
  const count = waiting.findIndex(({ next }) => {
    const isFull = bytes > maxBytes
    bytes += next.bytes
    return isFull
  })
  return waiting.slice(0, count === -1 ? waiting.length : count).map(({ one }) => one)
}

/** Lets go of the messages that come last, where more than `maxBytes` are held. */
export function keepFirst(lacking: readonly Lacking[], maxBytes: number): void {
  const held = lacking.flatMap(({ pending }) => pending)
  let bytes = held.reduce((sum, announcement) => sum + sizeOf(announcement), 0)
  if (bytes <= maxBytes) return
  held.sort((a, b) => a.position - b.position)
  bytes = 0
  const over = held.find((announcement, i) => {
    bytes += sizeOf(announcement)
    return bytes > maxBytes && i > 0 && announcement.position > held[0]!.position
  })
  if (over !== undefined) for (const one of lacking) one.letGo(over.position)
}

function toKnown(announcement: Announcement): Known {
  const { position, previous } = announcement
  return { position, previous, bytes: sizeOf(announcement) }
}
