import { type Broker, type Page } from '../broker/broker.ts'
import { type Log } from '../log/log.ts'
import { type Message } from '../log/message.ts'
import { type Floors, readAfter } from '../log/read.ts'
import { type Metrics } from '../metrics.ts'
import { type Position } from '../position.ts'
import { Chunk } from '../sse/chunk.ts'
import { type GapReason, gapFrame } from '../sse/control-frame.ts'
import { withoutId } from '../sse/frame.ts'
import { type Utf8 } from '../sse/utf8.ts'
import { type Audience, MAX_BATCH_BYTES } from './audience.ts'
import { type Stream } from './stream.ts'

/** Late messages that a blocked stream may have waiting; more become a gap. */
const MAX_LATE_FRAMES = 100

/** What is missing lies later than `after`, up to `position`; `channel` null: of all. */
interface Missed {
  readonly channel: string | null
  readonly position: Position
  readonly reason: GapReason
  readonly after: Position
}

export interface CatchUpOptions {
  readonly broker: Broker
  readonly metrics: Metrics
  /** There is something to do. */
  readonly onWork: () => void
}

/**
 * Streams that are not at the place of their audience: each reads its own bounded batches from the logs, or from the
 * broker where these don't reach back to its cursor, until it is.
 */
export class CatchUp {
  readonly #broker: Broker
  readonly #metrics: Metrics
  readonly #onWork: () => void
  #waiting: Stream[] = []

  constructor({ broker, metrics, onWork }: CatchUpOptions) {
    this.#broker = broker
    this.#metrics = metrics
    this.#onWork = onWork
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0
  }

  add(stream: Stream): void {
    if (stream.isCatchingUp) return
    stream.isCatchingUp = true
    this.#queue(stream)
  }

  run(deadlineMs: number): void {
    const streams = this.#waiting
    let next = 0
    while (next < streams.length) {
      const stream = streams[next] as Stream
      next += 1
      stream.isCatchingUp = false
      if (!stream.isOver && !stream.isBlocked) this.#pump(stream)
      if (performance.now() >= deadlineMs) break
    }
    this.#waiting = this.#waiting.slice(next)
  }

  /** Rule 13: a message that was lost on its way goes without an id to streams that have passed it (protocol §4). */
  deliverLate(audience: Audience, channel: string, message: Message): void {
    const { position } = message
    const wasHad = audience.logs.some((log) => log.channel !== channel && holds(log, position))
    if (wasHad) return
    const frames = audience.encode([message]).frames.map(withoutId)
    for (const stream of audience.streams) {
      if (stream.proved.has(position)) continue // it had it before
      if (stream.cursor < position) this.add(stream)
      else this.#sendLate(stream, frames)
    }
  }

  /** See `BrokerListener.miss`. */
  tellMissed(audience: Audience, { channel, position, reason, after }: Missed): void {
    const channels = channel === null ? null : [channel]
    const frame = gapFrame({ reason, channels, after: undefined, position: 0 }, position)
    for (const stream of audience.streams) {
      if (stream.cursor < position) this.add(stream)
      else if (!stream.proved.covers(after, position)) {
        this.#metrics.countGap(reason)
        this.#sendLate(stream, [frame])
      }
    }
  }

  #queue(stream: Stream): void {
    this.#waiting.push(stream)
    this.#onWork()
  }

  #sendLate(stream: Stream, frames: readonly Utf8[]): void {
    if (frames.length === 0 || stream.isOver) return
    stream.pendingFrames = [...(stream.pendingFrames ?? []), ...frames]
    if (stream.pendingFrames.length > MAX_LATE_FRAMES) {
      const { channels } = stream.audience
      const gap = { reason: 'evicted', channels, after: undefined, position: 0 } as const
      stream.pendingFrames = [gapFrame(gap, stream.cursor)]
      this.#metrics.countGap('evicted')
    }
    this.add(stream)
  }

  /** One bounded batch. */
  #pump(stream: Stream): void {
    const { audience, pendingFrames, page } = stream
    if (pendingFrames !== undefined) {
      stream.pendingFrames = undefined
      stream.write(new Chunk(pendingFrames))
      this.#goOn(stream, true)
    } else if (page !== undefined) {
      stream.page = undefined
      this.#sendPage(stream, page)
      this.#goOn(stream, true)
    } else if (reachBack(audience.logs, stream.cursor, stream.floors)) this.#readLogs(stream)
    else void this.#readBroker(stream)
  }

  #readLogs(stream: Stream): void {
    const { audience } = stream
    const batch = readAfter(audience.logs, stream.cursor, MAX_BATCH_BYTES, stream.floors)
    stream.cursor = batch.end
    this.#send(stream, [], batch.messages)
    if (!batch.hasMore) {
      // Not `audience.sent`: where a log began anew that is ahead of what is still to come of the other channels.
      stream.floors = undefined
      if (stream.replayed > 0) this.#metrics.observeReplay(stream.replayed)
      stream.replayed = 0
    }
    this.#goOn(stream, batch.hasMore)
  }

  /** Rule 9: wholly from Redis, page by page; never mixed with what the logs have. */
  async #readBroker(stream: Stream): Promise<void> {
    stream.isCatchingUp = true
    const { audience, cursor, floors } = stream
    try {
      stream.page = await this.#broker.read(audience.logs, cursor, floors)
    } catch {
      stream.isCatchingUp = false // the broker was closed
      return
    }
    this.#queue(stream)
  }

  #sendPage(stream: Stream, { gap, messages, cursor, floors }: Page): void {
    const prefix: Utf8[] = []
    if (gap !== undefined) {
      prefix.push(gapFrame(gap, stream.cursor))
      prefix.push(...stream.audience.endedFrames(gap.position, stream.cursor)) // ends among what is missing
      this.#metrics.countGap(gap.reason)
    }
    stream.proved.add(stream.cursor, cursor)
    stream.cursor = cursor
    stream.floors = floors
    this.#send(stream, prefix, messages)
  }

  #send(stream: Stream, prefix: readonly Utf8[], messages: readonly Message[]): void {
    const { frames, count, bytes, hasId } = stream.audience.encode(messages)
    stream.replayed += count
    if (prefix.length === 0 && frames.length === 0) return
    stream.write(new Chunk([...prefix, ...frames]))
    if (hasId) stream.lastIdTick = stream.lastWriteTick
    this.#metrics.messagesDelivered += count
    this.#metrics.messagesReplayed += count
    this.#metrics.bytesDelivered += bytes
  }

  #goOn(stream: Stream, hasMore: boolean): void {
    if (stream.isBlocked) return // goes on when it is writable
    if (hasMore) this.add(stream)
    else if (stream.audience.isOverAt(stream.cursor)) stream.finish()
  }
}

/** Every log has all that is later than the cursor, or its floor. */
function reachBack(logs: readonly Log[], cursor: Position, floors: Floors | undefined): boolean {
  return logs.every((log, i) => log.base <= Math.max(cursor, floors?.[i] ?? 0))
}

function holds(log: Log, position: Position): boolean {
  return log.at(log.indexAfter(position - 1))?.position === position
}
