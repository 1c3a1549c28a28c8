import { type Opening, type Page } from '../broker/broker.ts'
import { type Place } from '../limits/stream-limits.ts'
import { type Floors } from '../log/read.ts'
import { type StreamCloseReason } from '../metrics.ts'
import { type Position } from '../position.ts'
import { type Chunk } from '../sse/chunk.ts'
import { type CloseReason, closeFrame } from '../sse/control-frame.ts'
import { type Exchange, SseConnection } from '../sse/sse-connection.ts'
import { type Utf8 } from '../sse/utf8.ts'
import { type Audience } from './audience.ts'
import { Proved } from './proved.ts'

/** What a stream tells its hub. One object serves all streams. */
export interface StreamOwner {
  readonly slowTimeoutMs: number
  /** Now, in ticks of the wheel. */
  readonly tick: number
  onWritable(stream: Stream): void
  onClosed(stream: Stream, reason: StreamCloseReason): void
  /** The position up to which a stream at the end of its logs has everything. */
  position(audience: Audience): Position
}

/** When a stream is due for what, in ticks of the wheel. */
export interface StreamTimes {
  /** Infinity: never. */
  readonly closeAtTick: number
  /** When its token expires, by the wall clock; Infinity: never. */
  readonly endsAtMs: number
  /** 0: no ping. */
  readonly pingTicks: number
}

/** One open subscription: a socket and a cursor. */
export class Stream extends SseConnection {
  readonly #owner: StreamOwner
  readonly audience: Audience
  readonly hasControl: boolean
  readonly closeAtTick: number
  readonly endsAtMs: number
  readonly pingTicks: number
  /** Everything up to here has been sent, or told as a gap. */
  cursor: Position
  /** What comes late and lies there it had elsewhere. */
  readonly proved = new Proved()
  /** While it catches up: where each channel begins. */
  floors: Floors | undefined
  /** Read for it, and sent next. */
  page: Page | undefined
  /** Sent before anything else: an opening block that took its time, what came late. */
  pendingFrames: readonly Utf8[] | undefined
  /** What it takes up of the limits. */
  place: Place | undefined
  /** It is on its way to the end of its logs. */
  isCatchingUp = false
  /** It is one of its audience: what follows is sent to it. */
  isOpened = false
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
    hasControl: boolean,
    times: StreamTimes,
  ) {
    super(exchange, owner.slowTimeoutMs)
    this.#owner = owner
    this.audience = audience
    this.hasControl = hasControl
    this.cursor = 0
    this.closeAtTick = times.closeAtTick
    this.endsAtMs = times.endsAtMs
    this.pingTicks = times.pingTicks
    this.openedTick = owner.tick
    this.lastWriteTick = owner.tick
    this.lastIdTick = owner.tick
    this.lastPingTick = owner.tick
  }

  /** Head and first bytes, before it is known where it begins. */
  open(head: string, frames: readonly Utf8[]): void {
    this.writeHead(head, frames)
  }

  /** It is known where it begins. `gap` has been told with the opening block. */
  begin({ position, gap, messages, cursor, floors }: Opening): void {
    this.isOpened = true
    this.floors = floors
    this.cursor = cursor
    this.proved.add(0, cursor) // what lies before its beginning is not asked for
    if (messages.length === 0) return
    this.cursor = gap?.position ?? position
    this.page = { gap: undefined, messages, cursor, floors }
  }

  /** Behind: blocked, or not at the end of the log. */
  get isBehind(): boolean {
    return this.isBlocked || this.isCatchingUp || this.page !== undefined || !this.isOpened
  }

  /** Takes note of all that is proved by now; returns the position a client that leaves may come back with. */
  advance(): Position {
    if (this.isBehind || this.cursor < this.audience.latest) return this.cursor
    const position = this.#owner.position(this.audience)
    this.proved.add(0, position)
    this.cursor = Math.max(this.cursor, position)
    return this.cursor
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
    const position = this.isOpened ? this.advance() : undefined // rule 11: none is told before it is proved
    this.#endWith(reason, [closeFrame(reason, position, retryMs)])
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
