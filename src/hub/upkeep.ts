import { Chunk } from '../sse/chunk.ts'
import { HEARTBEAT, pingFrame, positionFrame } from '../sse/control-frame.ts'
import { type Stream, type StreamTimes } from './stream.ts'
import { TICK_MS, Wheel } from './wheel.ts'

export interface UpkeepOptions {
  /** 0: no heartbeats. */
  readonly heartbeatMs: number
  /** 0: streams may live for ever. */
  readonly streamMaxAgeMs: number
  readonly logMaxAgeMs: number
}

/** Rule 12: a quiet stream is told its position at a quarter of the log's age. Later it could not be proved (protocol §3). */
const POSITIONS_PER_LOG_AGE = 4
/** A stream lives for 0.8 to 1 times its maximum, so that those opened together don't end together. */
const MIN_AGE_SHARE = 0.8
const HEARTBEAT_CHUNK = new Chunk([HEARTBEAT])

/** What streams are due for by time alone: heartbeat, ping, fresh position, their end of age or of their token. */
export class Upkeep {
  readonly #wheel: Wheel
  readonly #heartbeatTicks: number
  readonly #positionTicks: number
  readonly #streamMaxAgeMs: number
  readonly #randomRetryMs: () => number

  /** `randomRetryMs`: the reconnection time told to a stream that has reached its age. */
  constructor(options: UpkeepOptions, randomRetryMs: () => number) {
    this.#heartbeatTicks = ticks(options.heartbeatMs)
    this.#positionTicks = Math.max(1, ticks(options.logMaxAgeMs / POSITIONS_PER_LOG_AGE))
    this.#streamMaxAgeMs = options.streamMaxAgeMs
    this.#randomRetryMs = randomRetryMs
    this.#wheel = new Wheel((stream, tick) => this.#visit(stream, tick))
  }

  /** Now. */
  get tick(): number {
    return this.#wheel.tick
  }

  secondsSince(tick: number): number {
    return ((this.tick - tick) * TICK_MS) / 1000
  }

  /** The times of a stream that opens now. `pingMs` 0: no ping. */
  timesOf(pingMs: number, endsAtMs: number): StreamTimes {
    return { closeAtTick: this.#randomEndTick(), endsAtMs, pingTicks: ticks(pingMs) }
  }

  add(stream: Stream): void {
    this.#wheel.add(stream, this.#ticksToNext(stream))
  }

  remove(stream: Stream): void {
    this.#wheel.remove(stream)
  }

  close(): void {
    this.#wheel.close()
  }

  #randomEndTick(): number {
    if (this.#streamMaxAgeMs === 0) return Number.POSITIVE_INFINITY
    const share = MIN_AGE_SHARE + Math.random() * (1 - MIN_AGE_SHARE)
    return this.tick + Math.max(1, ticks(this.#streamMaxAgeMs * share))
  }

  #visit(stream: Stream, tick: number): number {
    if (Date.now() >= stream.endsAtMs) stream.close('token-expired')
    else if (tick >= stream.closeAtTick) stream.close('max-age', this.#randomRetryMs())
    else if (!stream.isBlocked && !stream.isOver) this.#writeWhatIsDue(stream, tick)
    return this.#ticksToNext(stream)
  }

  #writeWhatIsDue(stream: Stream, tick: number): void {
    if (this.#isPositionDue(stream, tick)) {
      stream.lastIdTick = tick
      stream.write(new Chunk([positionFrame(stream.advance())]))
    }
    const isPingDue = stream.pingTicks > 0 && tick - stream.lastPingTick >= stream.pingTicks
    if (isPingDue && !stream.isBlocked) {
      stream.lastPingTick = tick
      stream.write(new Chunk([pingFrame(new Date())]))
    }
    const isIdle = this.#heartbeatTicks > 0 && tick - stream.lastWriteTick >= this.#heartbeatTicks
    if (isIdle && !stream.isBlocked) stream.write(HEARTBEAT_CHUNK)
  }

  #isPositionDue(stream: Stream, tick: number): boolean {
    return stream.hasControl && !stream.isBehind && tick - stream.lastIdTick >= this.#positionTicks
  }

  #ticksToNext(stream: Stream): number {
    let due = stream.closeAtTick
    if (this.#heartbeatTicks > 0) due = Math.min(due, stream.lastWriteTick + this.#heartbeatTicks)
    if (stream.hasControl) due = Math.min(due, stream.lastIdTick + this.#positionTicks)
    if (stream.pingTicks > 0) due = Math.min(due, stream.lastPingTick + stream.pingTicks)
    // By the wall clock, looked at with each visit: it may be set, and a machine may sleep.
    return Math.min(due - this.tick, ticks(stream.endsAtMs - Date.now()))
  }
}

function ticks(ms: number): number {
  return Math.ceil(ms / TICK_MS)
}
