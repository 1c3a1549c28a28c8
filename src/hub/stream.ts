import { type Opening } from '../broker/broker.ts'
import { type Floors } from '../log/read.ts'
import { type StreamCloseReason } from '../metrics.ts'
import { type Position } from '../position.ts'
import { type Chunk } from '../sse/chunk.ts'
import { type CloseReason, closeFrame } from '../sse/control-frame.ts'
import { type Exchange, SseConnection } from '../sse/sse-connection.ts'
import { type Utf8 } from '../sse/utf8.ts'
import { type Audience } from './audience.ts'

/** What a stream tells its hub. One object serves all streams. */
export interface StreamOwner {
  readonly slowTimeoutMs: number
  /** Now, in ticks of the wheel. */
  readonly tick: number
  onWritable(stream: Stream): void
  onClosed(stream: Stream, reason: StreamCloseReason): void
  /** The position up to which a stream at the end of its logs has everything. */
  position(): Position
}

/** When a stream is due for what, in ticks of the wheel. */
export interface StreamTimes {
  /** Infinity: never. */
  readonly closeAtTick: number
  /** 0: no ping. */
  readonly pingTicks: number
}

/** One open subscription: a socket and a cursor. */
export class Stream extends SseConnection {
  readonly #owner: StreamOwner
  readonly audience: Audience
  readonly hasControl: boolean
  readonly closeAtTick: number
  readonly pingTicks: number
  /** Everything up to here has been sent, or told as a gap. */
  cursor: Position
  /** While it reads from the log: where each channel begins. */
  floors: Floors | undefined
  /** It stands in the queue of those that read from the log. */
  isCatchingUp = false
  /** Its place in the audience. */
  index = 0
  /** The last fan-out that has visited it. */
  visitedBy = 0
  /** Messages it has read from the log since it was last at its end. */
  replayed = 0
  readonly openedTick: number
  wheelSlot = -1
  wheelIndex = 0
  lastWriteTick: number
  lastIdTick: number
  lastPingTick: number
  #reason: StreamCloseReason = 'client'

  constructor(
    owner: StreamOwner,
    audience: Audience,
    exchange: Exchange,
    opening: Opening,
    hasControl: boolean,
    times: StreamTimes,
  ) {
    super(exchange, owner.slowTimeoutMs)
    this.#owner = owner
    this.audience = audience
    this.hasControl = hasControl
    this.cursor = opening.cursor
    this.floors = opening.floors
    this.closeAtTick = times.closeAtTick
    this.pingTicks = times.pingTicks
    this.openedTick = owner.tick
    this.lastWriteTick = owner.tick
    this.lastIdTick = owner.tick
    this.lastPingTick = owner.tick
  }

  open(head: string, frames: readonly Utf8[]): void {
    this.writeHead(head, frames)
  }

  /** Behind: blocked, or not at the end of the log. */
  get isBehind(): boolean {
    return this.isBlocked || this.isCatchingUp
  }

  /** The position a client that leaves now may come back with. */
  get position(): Position {
    const isAtEnd = !this.isBehind && this.cursor >= this.audience.latest
    return isAtEnd ? Math.max(this.cursor, this.#owner.position()) : this.cursor
  }

  override write(chunk: Chunk): void {
    this.lastWriteTick = this.#owner.tick
    super.write(chunk)
  }

  /** Nothing will ever follow: all its channels have ended. */
  finish(): void {
    if (this.audience.isDeleted) this.close('deleted')
    else this.#endWith('ended', [])
  }

  /** Says why and sends the client on its way; a blocked stream is cut. */
  close(reason: CloseReason, retryMs?: number): void {
    this.#endWith(reason, [closeFrame(reason, this.position, retryMs)])
  }

  /** Cuts it. */
  cut(reason: StreamCloseReason): void {
    this.#reason = reason
    this.destroy()
  }

  #endWith(reason: StreamCloseReason, frames: readonly Utf8[]): void {
    if (this.isOver) return
    this.#reason = reason
    this.end(frames)
  }

  protected override onWritable(): void {
    this.#owner.onWritable(this)
  }

  protected override onSlow(): void {
    this.#reason = 'slow'
  }

  protected override onFlooded(): void {
    this.#reason = 'input'
  }

  protected override onClosed(): void {
    this.#owner.onClosed(this, this.#reason)
  }
}
