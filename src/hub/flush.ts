import { type Message } from '../log/message.ts'
import { findGap } from '../log/gap.ts'
import { floorsAtBases, readAfter } from '../log/read.ts'
import { type Metrics } from '../metrics.ts'
import { currentPosition, type Position } from '../position.ts'
import { Chunk } from '../sse/chunk.ts'
import { gapFrame } from '../sse/control-frame.ts'
import { type Utf8 } from '../sse/utf8.ts'
import { type Audience } from './audience.ts'
import { type Stream } from './stream.ts'

/** Frames in one write; a single message may be larger. */
const MAX_BATCH_BYTES = 64 * 1024
/** A fan-out that takes longer yields to the event loop and goes on where it was (measured: docs/architecture.md, Delivery). */
const SLICE_FEW_MS = 2
/** With many short fan-outs waiting, short slices would starve them behind publishing. */
const SLICE_MANY_MS = 10
const MANY_AUDIENCES = 8
/** Streams that read from the log get at least so long in each turn. */
const CATCH_UP_MS = 1
/** Streams written between two looks at the clock. */
const WRITES_PER_CLOCK = 16

/** One batch on its way to the live streams of one audience. */
interface FanOut {
  readonly audience: Audience
  /** Undefined: nothing to write (all filtered), only cursors move. */
  readonly chunk: Chunk | undefined
  readonly count: number
  readonly bytes: number
  readonly ephemerals: number
  readonly hasId: boolean
  /** A stream takes part if it has everything up to `start` and nothing from `first` on. */
  readonly start: Position
  readonly first: Position
  readonly end: Position
  /** All channels have ended with it. */
  readonly isOver: boolean
  readonly publishedAt: Position
  readonly serial: number
  /** Streams below this index are still to be visited. */
  left: number
}

/** What the flush needs to know of the hub. */
export interface FlushOptions {
  readonly metrics: Metrics
  /** The position up to which logs are complete. */
  readonly position: () => Position
}

/**
 * Brings every stream to the end of its logs. What is published in one turn of the event loop is joined once per
 * audience and written as one Buffer to each live stream; there is no queue per stream. A stream that is not at the
 * place of the others reads its own bounded batches from the log until it is.
 */
export class Flush {
  readonly #metrics: Metrics
  readonly #position: () => Position
  #audiences: Audience[] = []
  #catchingUp: Stream[] = []
  #current: FanOut | undefined
  #isScheduled = false
  #serial = 0

  constructor({ metrics, position }: FlushOptions) {
    this.#metrics = metrics
    this.#position = position
  }

  /** Fans out what this audience has not been sent, at the end of the turn. */
  enqueue(audience: Audience): void {
    if (audience.isQueued) return
    audience.isQueued = true
    this.#audiences.push(audience)
    this.#schedule()
  }

  /** Lets a stream read from the log until it is at the end. */
  catchUp(stream: Stream): void {
    if (stream.isCatchingUp) return
    stream.isCatchingUp = true
    this.#catchingUp.push(stream)
    this.#schedule()
  }

  /** A stream that opens in the middle of a fan-out is none of its. */
  get serial(): number {
    return this.#serial
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#run())
  }

  #run(): void {
    this.#isScheduled = false
    const startedMs = performance.now()
    const isMany = this.#audiences.length >= MANY_AUDIENCES
    const deadlineMs = startedMs + (isMany ? SLICE_MANY_MS : SLICE_FEW_MS)
    this.#fanOut(deadlineMs)
    this.#catchUpUntil(Math.max(deadlineMs, performance.now() + CATCH_UP_MS))
    const hasMore =
      this.#current !== undefined || this.#audiences.length > 0 || this.#catchingUp.length > 0
    if (hasMore) this.#schedule()
  }

  #fanOut(deadlineMs: number): void {
    let next = 0
    while (performance.now() < deadlineMs) {
      if (this.#current === undefined) {
        const audience = this.#audiences[next]
        if (audience === undefined) break
        next += 1
        audience.isQueued = false
        this.#current = this.#begin(audience)
        if (this.#current === undefined) continue
      }
      if (!this.#visitStreams(this.#current, deadlineMs)) break
      this.#finish(this.#current)
      this.#current = undefined
    }
    if (next > 0) this.#audiences = this.#audiences.slice(next)
  }

  /** Joins what the audience has not been sent; undefined: nothing can be shared. */
  #begin(audience: Audience): FanOut | undefined {
    if (audience.hasHole) {
      audience.sent = audience.latest
      const missed = audience.takeEphemerals(Number.MAX_SAFE_INTEGER).length
      this.#metrics.ephemeralMissed += missed * audience.streams.length
      for (const stream of audience.streams) if (!stream.isBlocked) this.catchUp(stream)
      return undefined
    }
    const batch = readAfter(audience.logs, audience.sent, MAX_BATCH_BYTES)
    const ephemerals = audience.takeEphemerals(batch.hasMore ? batch.end : Number.MAX_SAFE_INTEGER)
    const messages = ephemerals.length === 0 ? batch.messages : merge(batch.messages, ephemerals)
    const oldest = messages[0]
    if (oldest === undefined) return undefined
    const { frames, count, bytes, hasId } = audience.encode(messages)
    const start = audience.sent
    audience.sent = batch.end
    this.#serial += 1
    return {
      audience,
      chunk: frames.length === 0 ? undefined : new Chunk(frames),
      count,
      bytes,
      ephemerals: ephemerals.length,
      hasId,
      start,
      first: batch.messages[0]?.position ?? Number.MAX_SAFE_INTEGER,
      end: batch.end,
      isOver: audience.isOverAt(batch.end),
      publishedAt: oldest.position,
      serial: this.#serial,
      left: audience.streams.length,
    }
  }

  /** False: the time is up. */
  #visitStreams(fanOut: FanOut, deadlineMs: number): boolean {
    const { streams } = fanOut.audience
    // From the end, so that a stream's leaving moves another only to a place that is still to come or has been.
    if (fanOut.left > streams.length) fanOut.left = streams.length
    let untilClock = WRITES_PER_CLOCK
    while (fanOut.left > 0) {
      fanOut.left -= 1
      this.#visit(streams[fanOut.left]!, fanOut)
      if (fanOut.left > streams.length) fanOut.left = streams.length
      untilClock -= 1
      if (untilClock === 0) {
        if (performance.now() >= deadlineMs) return fanOut.left === 0
        untilClock = WRITES_PER_CLOCK
      }
    }
    return true
  }

  #visit(stream: Stream, fanOut: FanOut): void {
    if (stream.visitedBy === fanOut.serial) return
    stream.visitedBy = fanOut.serial
    if (stream.isOver) return
    const isAtStart = stream.cursor >= fanOut.start && stream.cursor < fanOut.first
    if (stream.isBehind || !isAtStart) {
      this.#metrics.ephemeralMissed += fanOut.ephemerals
      if (!stream.isBehind && stream.cursor < fanOut.end) this.catchUp(stream)
      return
    }
    if (fanOut.end > stream.cursor) stream.cursor = fanOut.end
    if (fanOut.chunk !== undefined) {
      stream.write(fanOut.chunk)
      if (fanOut.hasId) stream.lastIdTick = stream.lastWriteTick
      this.#metrics.messagesDelivered += fanOut.count
      this.#metrics.bytesDelivered += fanOut.bytes
    }
    if (fanOut.isOver && !stream.isBlocked) stream.finish()
  }

  #finish({ audience, publishedAt, end }: FanOut): void {
    this.#metrics.observeLag(Math.max(0, currentPosition() - publishedAt) / 1e6)
    if (audience.latest > end) this.enqueue(audience)
  }

  #catchUpUntil(deadlineMs: number): void {
    const streams = this.#catchingUp
    let next = 0
    while (next < streams.length) {
      const stream = streams[next] as Stream
      next += 1
      stream.isCatchingUp = false
      if (!stream.isOver && !stream.isBlocked) this.#pump(stream)
      if (performance.now() >= deadlineMs) break
    }
    this.#catchingUp = this.#catchingUp.slice(next)
  }

  /** One bounded batch from the stream's cursor. */
  #pump(stream: Stream): void {
    const { audience } = stream
    const gapFrames = this.#tellGap(stream)
    const batch = readAfter(audience.logs, stream.cursor, MAX_BATCH_BYTES, stream.floors)
    const { frames, count, bytes, hasId } = audience.encode(batch.messages)
    stream.cursor = batch.end
    stream.replayed += count
    if (!batch.hasMore) {
      stream.floors = undefined
      stream.cursor = Math.max(batch.end, audience.sent)
      if (stream.replayed > 0) this.#metrics.observeReplay(stream.replayed)
      stream.replayed = 0
    }
    if (gapFrames.length > 0 || frames.length > 0) {
      stream.write(new Chunk([...gapFrames, ...frames]))
      if (hasId) stream.lastIdTick = stream.lastWriteTick
      this.#metrics.messagesDelivered += count
      this.#metrics.messagesReplayed += count
      this.#metrics.bytesDelivered += bytes
    }
    if (stream.isBlocked) return // goes on when it is writable
    if (batch.hasMore) this.catchUp(stream)
    else if (audience.isOverAt(stream.cursor)) stream.finish()
  }

  /** What a stream missed because the log did not wait for it, and ends among that. */
  #tellGap(stream: Stream): Utf8[] {
    const { audience, cursor, floors } = stream
    const { logs } = audience
    const clock = this.#position()
    const gap = findGap({ logs, cursor, floors, clock, after: cursor })
    if (gap === undefined) return []
    stream.cursor = gap.position
    stream.floors = floorsAtBases(logs)
    this.#metrics.countGap(gap.reason)
    return [gapFrame(gap, cursor), ...audience.endedFrames(gap.position, cursor)]
  }
}

/** Both are in the order of positions. */
function merge(stored: readonly Message[], ephemerals: readonly Message[]): Message[] {
  return [...stored, ...ephemerals].toSorted((a, b) => a.position - b.position)
}
