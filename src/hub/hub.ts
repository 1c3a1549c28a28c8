import { setTimeout as sleep } from 'node:timers/promises'
import { type Broker, type BrokerListener, type Opening, type Start } from '../broker/broker.ts'
import { type Place } from '../limits/stream-limits.ts'
import { type Message } from '../log/message.ts'
import { type Metrics, type StreamCloseReason } from '../metrics.ts'
import { type Position } from '../position.ts'
import { type GapReason } from '../sse/control-frame.ts'
import { type Exchange } from '../sse/sse-connection.ts'
import { type Utf8 } from '../sse/utf8.ts'
import { type Audience } from './audience.ts'
import { Audiences, type Wanted } from './audiences.ts'
import { closeInWaves } from './drain.ts'
import { Flush } from './flush.ts'
import { openingFrames, preambleFrames } from './opening-frames.ts'
import { Stream, type StreamOwner } from './stream.ts'
import { Upkeep, type UpkeepOptions } from './upkeep.ts'

export interface HubOptions extends UpkeepOptions {
  readonly broker: Broker
  readonly metrics: Metrics
  /** The `retry:` of a stream is random between these. */
  readonly retryMinMs: number
  readonly retryMaxMs: number
  readonly slowTimeoutMs: number
}

/** What a subscribe asks for; names and rights have been checked. */
export interface Subscription extends Wanted {
  readonly start: Start
  readonly hasControl: boolean
  readonly hasPadding: boolean
  /** 0: none. */
  readonly pingMs: number
  /** When its token expires, ms since the epoch; Infinity: never. */
  readonly endsAtMs: number
  /** What it takes up of the limits: the hub gives it back. */
  readonly place: Place | undefined
}

/** A subscribe on its way. Exactly one of `Hub.begin` and `Hub.dismiss` follows. */
export interface Admission {
  readonly subscription: Subscription
  readonly audience: Audience
  /** Where it begins; as `Broker.open`. */
  readonly opening: Promise<Opening>
}

const CLOSED_CHECK_INTERVAL_MS = 20

/** Fan-out inside one process: which streams want which channels, and when each is due for what. */
export class Hub implements BrokerListener, StreamOwner {
  readonly slowTimeoutMs: number
  readonly #options: HubOptions
  readonly #broker: Broker
  readonly #metrics: Metrics
  readonly #flush: Flush
  readonly #upkeep: Upkeep
  readonly #audiences: Audiences
  readonly #streams = new Set<Stream>()
  /** Admissions that are neither begun nor dismissed. */
  #pending = 0
  #isDraining = false

  constructor(options: HubOptions) {
    this.#options = options
    this.#broker = options.broker
    this.#metrics = options.metrics
    this.slowTimeoutMs = options.slowTimeoutMs
    this.#audiences = new Audiences(options.broker)
    this.#flush = new Flush(options)
    this.#upkeep = new Upkeep(options, () => this.randomRetryMs())
    options.broker.listen(this)
    options.metrics.observeStreams(() => this.#sizes())
  }

  /** Open streams, and subscribes that are on their way to become one. */
  get streamCount(): number {
    return this.#streams.size + this.#pending
  }

  /** Channels there would be with streams of these as well. */
  channelCountWith(channels: readonly string[]): number {
    return this.#audiences.channelCountWith(channels)
  }

  /** Open streams that have this channel. */
  streamsOf(channel: string): number {
    let streams = 0
    for (const audience of this.#audiences.of(channel)) streams += audience.streams.length
    return streams
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  get tick(): number {
    return this.#upkeep.tick
  }

  position({ logs }: Audience): Position {
    return this.#broker.position(logs)
  }

  /** A random reconnection time for one stream, ms. `load` 0-1 makes it up to ten times longer. */
  randomRetryMs(load = 0): number {
    const { retryMinMs, retryMaxMs } = this.#options
    const spread = retryMinMs + Math.random() * (retryMaxMs - retryMinMs)
    return Math.round(spread * (1 + 9 * load))
  }

  deliver(channel: string, message: Message): void {
    this.#flush.hear(message)
    for (const audience of this.#audiences.of(channel)) {
      if (message.isEphemeral) {
        if (!audience.addEphemeral(message)) {
          this.#metrics.ephemeralMissed += audience.streams.length
        }
      } else if (message.position <= audience.sent) {
        this.#flush.catchUp.deliverLate(audience, channel, message)
      }
      this.#flush.enqueue(audience)
    }
  }

  /** Streams still before the mark of a deletion have been blocked for long: they take no word. */
  reopen(channel: string): void {
    for (const { logs, streams } of this.#audiences.of(channel)) {
      const endedAt = logs.find((log) => log.channel === channel)?.endedAt ?? 0
      for (const stream of streams) if (stream.cursor < endedAt) stream.cut('deleted')
    }
  }

  miss(channel: string | null, position: Position, reason: GapReason, after: Position): void {
    for (const audience of this.#audiences.of(channel)) {
      this.#flush.catchUp.tellMissed(audience, { channel, position, reason, after })
    }
  }

  /** Subscribes to the channels, and asks where the stream begins. */
  admit(subscription: Subscription): Admission {
    const audience = this.#audiences.hold(subscription)
    this.#pending += 1
    const opening = this.#broker.open(audience.logs, subscription.start)
    return { subscription, audience, opening }
  }

  /** Everything has been sent before, and nothing will follow: protocol §5 wants a 204. */
  isOver({ audience }: Admission, { gap, messages, cursor }: Opening): boolean {
    if (gap !== undefined || messages.length > 0) return false
    return audience.isOverAt(cursor) && cursor >= audience.latest
  }

  /**
   * Answers the exchange with a stream. `head`: status line and headers. `opening` undefined: it takes its time, and
   * the opening block follows when it is there. No id is sent before that (rule 11).
   */
  begin(
    admission: Admission,
    opening: Opening | undefined,
    exchange: Exchange,
    head: string,
  ): void {
    const { subscription, audience } = admission
    if (exchange.request.socket.destroyed) {
      this.dismiss(admission)
      return
    }
    this.#pending -= 1
    const { hasControl, hasPadding, pingMs, endsAtMs, place } = subscription
    const times = this.#upkeep.timesOf(pingMs, endsAtMs)
    const stream = new Stream(this, audience, exchange, hasControl, times)
    stream.place = place
    this.#streams.add(stream)
    this.#metrics.streamsOpened += 1
    const frames = preambleFrames(hasPadding, this.randomRetryMs())
    if (opening === undefined) {
      stream.open(head, frames)
      void this.#openLater(stream, admission)
    } else {
      stream.open(head, [...frames, ...this.#openingFrames(stream, opening)])
      this.#join(stream, opening)
    }
    this.#upkeep.add(stream)
  }

  /** Lets go of an admission that does not become a stream. */
  dismiss({ audience, opening, subscription }: Admission): void {
    opening.catch(ignore)
    this.#pending -= 1
    subscription.place?.leave()
    this.#audiences.release(audience)
  }

  onWritable(stream: Stream): void {
    this.#flush.catchUp.add(stream)
  }

  onClosed(stream: Stream, reason: StreamCloseReason): void {
    this.#streams.delete(stream)
    stream.place?.leave()
    this.#upkeep.remove(stream)
    if (stream.isOpened) stream.audience.remove(stream)
    this.#audiences.release(stream.audience)
    this.#metrics.countClosed(reason, this.#upkeep.secondsSince(stream.openedTick))
    if (stream.replayed > 0) this.#metrics.observeReplay(stream.replayed)
  }

  /** Closes all streams over `drainMs`, each with its own `retry`. Their sockets close by themselves within 5 s. */
  async drain(drainMs: number): Promise<void> {
    this.#isDraining = true
    const endMs = performance.now() + drainMs
    for (;;) {
      const open = [...this.#streams].filter((stream) => !stream.isOver)
      if (open.length === 0 && this.#pending === 0) return
      const leftMs = Math.max(0, endMs - performance.now())
      await closeInWaves(open, leftMs, (stream) => stream.close('drain', this.#drainRetryMs()))
      if (this.#pending > 0) await sleep(CLOSED_CHECK_INTERVAL_MS) // just being opened: of the next round
    }
  }

  /** Waits until the sockets of all streams have closed. */
  async whenEmpty(): Promise<void> {
    while (this.#streams.size > 0) await sleep(CLOSED_CHECK_INTERVAL_MS)
  }

  /** Cuts what is left; idempotent. */
  close(): void {
    this.#upkeep.close()
    for (const stream of this.#streams) stream.cut('shutdown')
  }

  /** Longer than usual: the wave that closes a stream is the smaller part of the spread when the drain is short. */
  #drainRetryMs(): number {
    const { retryMinMs, retryMaxMs } = this.#options
    return Math.round(retryMinMs + Math.random() * (2 * retryMaxMs - retryMinMs))
  }

  async #openLater(stream: Stream, admission: Admission): Promise<void> {
    let opening: Opening
    try {
      opening = await admission.opening
    } catch {
      stream.cut('shutdown') // it has left, or the broker was closed
      return
    }
    if (stream.isOver) return
    const frames = this.#openingFrames(stream, opening)
    if (frames.length > 0) stream.pendingFrames = frames
    this.#join(stream, opening)
    this.#flush.catchUp.add(stream)
  }

  #openingFrames(stream: Stream, opening: Opening): Utf8[] {
    const { heartbeatMs } = this.#options
    const heartbeatSeconds = heartbeatMs === 0 ? null : heartbeatMs / 1000
    const { hasControl, audience } = stream
    if (opening.gap !== undefined) this.#metrics.countGap(opening.gap.reason)
    return openingFrames({ hasControl, audience, opening, heartbeatSeconds })
  }

  /** From now on it is sent what follows. */
  #join(stream: Stream, opening: Opening): void {
    const { audience } = stream
    stream.begin(opening)
    stream.visitedBy = audience.serial
    if (audience.streams.length === 0 && !audience.isQueued) audience.sent = audience.latest
    audience.add(stream)
    if (stream.page !== undefined || stream.cursor < audience.latest) this.onWritable(stream)
    else if (audience.isOverAt(stream.cursor)) this.onWritable(stream)
    else stream.floors = undefined
  }

  #sizes() {
    let behind = 0
    let attached = 0
    for (const stream of this.#streams) {
      if (stream.isBehind) behind += 1
      if (stream.isAttached) attached += 1
    }
    return { streams: this.#streams.size, behind, attached, channels: this.#audiences.channelCount }
  }
}

function ignore(): void {
  // whoever asked has left
}
