import { type Broker } from '../broker/broker.ts'
import { type Message } from '../log/message.ts'
import { readAfter } from '../log/read.ts'
import { type Metrics } from '../metrics.ts'
import { type Position } from '../position.ts'
import { Chunk } from '../sse/chunk.ts'
import { type Audience, MAX_BATCH_BYTES } from './audience.ts'
import { CatchUp } from './catch-up.ts'
import { HeardTimes } from './heard-times.ts'
import { type Stream } from './stream.ts'

/** A fan-out that takes longer yields to the event loop and goes on where it was (measured: docs/architecture.md, Delivery). */
const SLICE_FEW_MS = 2
/** With many short fan-outs waiting, short slices would starve them behind publishing. */
const SLICE_MANY_MS = 10
const MANY_AUDIENCES = 8
/** Where the rest of a turn (publishing, accepting) took longer, a slice may take as long as that, up to this. */
const MAX_SLICE_MS = 30
/** Behind the fan-outs, streams that read from the log get at least this part of a slice. */
const CATCH_UP_SHARE = 0.5
/** Streams written between two looks at the clock, and bytes: the kernel takes its time for large ones. */
const WRITES_PER_CLOCK = 16
const BYTES_PER_CLOCK = 32 * 1024

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
  /** When this process heard the oldest message of it, by `performance.now()`. */
  readonly heardAtMs: number
  readonly serial: number
  /** Streams below this index are still to be visited. */
  left: number
}

export interface FlushOptions {
  readonly broker: Broker
  readonly metrics: Metrics
}

/**
 * Brings every stream to the end of its logs. What is published in one turn of the event loop is joined once per
 * audience and written as one Buffer to each live stream; there is no queue per stream. A stream that is not at the
 * place of the others catches up by itself.
 */
export class Flush {
  readonly #metrics: Metrics
  readonly #heardTimes = new HeardTimes()
  /** Streams that read on by themselves. */
  readonly catchUp: CatchUp
  #audiences: Audience[] = []
  /** Fan-outs whose time was up; their audiences are in the queue, behind those that have had none. */
  readonly #begun = new Map<Audience, FanOut>()
  #isScheduled = false
  /** When what a turn takes for other things began. */
  #restBeganMs = 0
  #serial = 0

  constructor({ broker, metrics }: FlushOptions) {
    this.#metrics = metrics
    this.catchUp = new CatchUp({ broker, metrics, onWork: () => this.#schedule() })
  }

  /** Called for each message, before any audience of it is enqueued: the lag of its delivery counts from here. */
  hear(message: Message): void {
    this.#heardTimes.note(message.position)
  }

  /** Fans out what this audience has not been sent, at the end of the turn. */
  enqueue(audience: Audience): void {
    if (audience.isQueued) return
    audience.isQueued = true
    this.#audiences.push(audience)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#restBeganMs = performance.now()
    setImmediate(() => this.#run())
  }

  #run(): void {
    this.#isScheduled = false
    const startedMs = performance.now()
    const sliceMs = this.#sliceMs(startedMs - this.#restBeganMs)
    this.#fanOut(startedMs + sliceMs)
    this.catchUp.run(Math.max(startedMs + sliceMs, performance.now() + sliceMs * CATCH_UP_SHARE))
    if (this.#audiences.length > 0 || !this.catchUp.isIdle) this.#schedule()
    this.#restBeganMs = performance.now() // the next may have been asked for in the middle of this one
  }

  /**
   * Half of the turn: with 2 ms after publishes that took 40, messages were published faster than they were sent
   * (measured: docs/architecture.md, Delivery). `restMs`: what the turn has taken for other things.
   */
  #sliceMs(restMs: number): number {
    const leastMs = this.#audiences.length >= MANY_AUDIENCES ? SLICE_MANY_MS : SLICE_FEW_MS
    return Math.max(leastMs, Math.min(restMs, MAX_SLICE_MS))
  }

  /** In turn: a large audience that readers keep busy would else hold up all others (measured: by seconds). */
  #fanOut(deadlineMs: number): void {
    let next = 0
    let unfinished: Audience | undefined
    while (unfinished === undefined && performance.now() < deadlineMs) {
      const audience = this.#audiences[next]
      if (audience === undefined) break
      next += 1
      const fanOut = this.#begun.get(audience) ?? this.#begin(audience)
      if (fanOut === undefined) audience.isQueued = false
      else if (this.#visitStreams(fanOut, deadlineMs)) this.#finish(fanOut)
      else {
        this.#begun.set(audience, fanOut)
        unfinished = audience
      }
    }
    if (next > 0) this.#audiences = this.#audiences.slice(next)
    if (unfinished !== undefined) this.#audiences.push(unfinished)
  }

  /** Joins what the audience has not been sent; undefined: nothing can be shared. */
  #begin(audience: Audience): FanOut | undefined {
    if (audience.hasHole) {
      audience.sent = audience.latest
      const missed = audience.takeEphemerals(Number.MAX_SAFE_INTEGER).length
      this.#metrics.ephemeralMissed += missed * audience.streams.length
      for (const stream of audience.streams) if (!stream.isBlocked) this.catchUp.add(stream)
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
    audience.serial = this.#serial
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
      heardAtMs: this.#heardTimes.timeOf(oldest.position),
      serial: this.#serial,
      left: audience.streams.length,
    }
  }

  /** False: the time is up. */
  #visitStreams(fanOut: FanOut, deadlineMs: number): boolean {
    const { streams } = fanOut.audience
    // From the end, so that a stream's leaving moves another only to a place that is still to come or has been.
    if (fanOut.left > streams.length) fanOut.left = streams.length
    const perClock = Math.min(WRITES_PER_CLOCK, Math.ceil(BYTES_PER_CLOCK / (fanOut.bytes + 1)))
    let untilClock = perClock
    while (fanOut.left > 0) {
      fanOut.left -= 1
      this.#visit(streams[fanOut.left]!, fanOut)
      if (fanOut.left > streams.length) fanOut.left = streams.length
      untilClock -= 1
      if (untilClock === 0) {
        if (performance.now() >= deadlineMs) return fanOut.left === 0
        untilClock = perClock
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
      if (!stream.isBehind && stream.cursor < fanOut.end) this.catchUp.add(stream)
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

  #finish({ audience, heardAtMs, end }: FanOut): void {
    this.#metrics.observeLag((performance.now() - heardAtMs) / 1000)
    this.#begun.delete(audience)
    audience.isQueued = false
    if (audience.latest > end || audience.hasEphemerals) this.enqueue(audience)
  }
}

/** Both are in the order of positions. */
function merge(stored: readonly Message[], ephemerals: readonly Message[]): Message[] {
  return [...stored, ...ephemerals].toSorted((a, b) => a.position - b.position)
}
