import { type Log } from '../log/log.ts'
import { isDeletion, type Message } from '../log/message.ts'
import { formatId, type Position } from '../position.ts'
import { endFrame } from '../sse/control-frame.ts'
import { encodeEnvelope, eventOf } from '../sse/frame.ts'
import { type Utf8 } from '../sse/utf8.ts'
import { type Stream } from './stream.ts'

/** In which form a stream wants its messages. */
export interface Form {
  /** Only these event types; undefined: all. */
  readonly events: ReadonlySet<string> | undefined
  readonly isEnvelope: boolean
}

/** Frames in one write; a single message may be larger. */
export const MAX_BATCH_BYTES = 64 * 1024

/** Ephemeral messages that wait for a fan-out, per audience; beyond, they are dropped and counted. */
const MAX_EPHEMERAL_BYTES = 1024 * 1024

/** Encoded messages of one batch. */
export interface Encoded {
  readonly frames: readonly Utf8[]
  /** Messages among them. */
  readonly count: number
  readonly bytes: number
  /** A position was told. */
  readonly hasId: boolean
}

/** The streams that ask for the same channels in the same form: they get the same bytes, encoded once. */
export class Audience {
  readonly key: string
  /** As first requested. */
  readonly channels: readonly string[]
  readonly logs: readonly Log[]
  readonly form: Form
  readonly streams: Stream[] = []
  /** Streams, and subscribes that are on their way to become one. */
  holders = 0
  /** Everything up to here has been handed to the live streams. */
  sent: Position
  /** It stands in the queue of the flush, also while a fan-out is under way. */
  isQueued = false
  /** Of its latest fan-out: a stream that opens in the middle of it is none of its. */
  serial = 0
  #ephemerals: Message[] = []
  #ephemeralBytes = 0
  /** The last ephemeral message that came, taken or not. */
  #offered: Position | undefined

  constructor(key: string, channels: readonly string[], logs: readonly Log[], form: Form) {
    this.key = key
    this.channels = channels
    this.logs = logs
    this.form = form
    this.sent = this.latest
  }

  /** The newest position in any of its logs. */
  get latest(): Position {
    let latest = 0
    for (const log of this.logs) if (log.end > latest) latest = log.end
    return latest
  }

  /** Some wait for a fan-out. */
  get hasEphemerals(): boolean {
    return this.#ephemerals.length > 0
  }

  /** A message after `sent` has been dropped: each stream must find out for itself what it lacks. */
  get hasHole(): boolean {
    return this.logs.some((log) => log.base > this.sent)
  }

  /** Every channel has ended at or before `position`: nothing will ever follow. */
  isOverAt(position: Position): boolean {
    return this.logs.every((log) => log.endedAt !== undefined && log.endedAt <= position)
  }

  /** The only channel was deleted: its streams are told by `piazza.close`. */
  get isDeleted(): boolean {
    return this.logs.length === 1 && this.logs[0]!.isDeleted
  }

  /** What a stream of several channels is told of those whose end, behind `after`, it will not read. */
  endedFrames(position: Position, after: Position = 0): Utf8[] {
    if (this.logs.length === 1) return []
    const ended = this.logs.filter(({ endedAt = 0 }) => endedAt > after && endedAt <= position)
    return ended.map((log) => endFrame(log.channel))
  }

  encode(messages: readonly Message[]): Encoded {
    const frames: Utf8[] = []
    let count = 0
    let bytes = 0
    let hasId = false
    for (const message of messages) {
      if (this.#wants(message)) {
        const frame = this.form.isEnvelope ? this.#wrap(message) : message.frame
        frames.push(frame)
        count += 1
        bytes += frame.length
        hasId ||= !message.isEphemeral
      }
      if (message.isEnd && this.logs.length > 1) frames.push(...this.#endFrames(message))
    }
    return { frames, count, bytes, hasId }
  }

  /** False: there was no room. One that went to several of the channels comes here once for each, and counts once. */
  addEphemeral(message: Message): boolean {
    if (this.#offered === message.position) return true
    this.#offered = message.position
    const size = message.frame.length
    if (this.#ephemeralBytes > 0 && this.#ephemeralBytes + size > MAX_EPHEMERAL_BYTES) return false
    this.#ephemerals.push(message)
    this.#ephemeralBytes += size
    return true
  }

  /** Takes the ephemeral messages that were published up to `position`. */
  takeEphemerals(position: Position): readonly Message[] {
    if (this.#ephemerals.length === 0) return this.#ephemerals
    const taken = this.#ephemerals.filter((message) => message.position <= position)
    this.#ephemerals = this.#ephemerals.filter((message) => message.position > position)
    for (const message of taken) this.#ephemeralBytes -= message.frame.length
    return taken
  }

  add(stream: Stream): void {
    stream.index = this.streams.push(stream) - 1
  }

  remove(stream: Stream): void {
    const last = this.streams.pop()
    if (last === undefined || last === stream) return
    this.streams[stream.index] = last
    last.index = stream.index
  }

  #wants(message: Message): boolean {
    if (isDeletion(message)) return false
    const { events } = this.form
    return events === undefined || message.isEnd || events.has(eventOf(message.frame))
  }

  #wrap(message: Message): Utf8 {
    const channel = this.channels.find((name) => message.channels.includes(name)) as string
    const id = message.isEphemeral ? '' : formatId(message.position)
    return encodeEnvelope(message.frame, channel, id)
  }

  #endFrames(message: Message): Utf8[] {
    return this.channels.filter((name) => message.channels.includes(name)).map(endFrame)
  }
}
