import { setTimeout as sleep } from 'node:timers/promises'
import { type Broker, type BrokerListener, type Opening, type Start } from '../broker/broker.ts'
import { type Log } from '../log/log.ts'
import { type Message } from '../log/message.ts'
import { type Metrics, type StreamCloseReason } from '../metrics.ts'
import { type Position } from '../position.ts'
import { type Exchange } from '../sse/sse-connection.ts'
import { Audience, type Form } from './audience.ts'
import { closeInWaves } from './drain.ts'
import { Flush } from './flush.ts'
import { openingFrames } from './opening-frames.ts'
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
export interface Subscription extends Form {
  readonly channels: readonly string[]
  readonly start: Start
  readonly hasControl: boolean
  readonly hasPadding: boolean
  /** 0: none. */
  readonly pingMs: number
}

/** A subscribe whose beginning has been proved. Exactly one of `Hub.begin` and `Hub.dismiss` follows. */
export interface Admission {
  readonly subscription: Subscription
  readonly audience: Audience
  readonly opening: Opening
  /** Everything has been sent before, and nothing will follow: protocol §5 wants a 204. */
  readonly isOver: boolean
}

const CLOSED_CHECK_INTERVAL_MS = 20

interface Channel {
  readonly log: Log
  readonly audiences: Audience[]
}

/** Fan-out inside one process: which streams want which channels, and when each is due for what. */
export class Hub implements BrokerListener, StreamOwner {
  readonly slowTimeoutMs: number
  readonly #options: HubOptions
  readonly #broker: Broker
  readonly #metrics: Metrics
  readonly #flush: Flush
  readonly #upkeep: Upkeep
  readonly #channels = new Map<string, Channel>()
  readonly #audiences = new Map<string, Audience>()
  readonly #streams = new Set<Stream>()
  /** Admissions that are neither begun nor dismissed. */
  #pending = 0
  #isDraining = false

  constructor(options: HubOptions) {
    this.#options = options
    this.#broker = options.broker
    this.#metrics = options.metrics
    this.slowTimeoutMs = options.slowTimeoutMs
    this.#flush = new Flush({ metrics: options.metrics, position: () => this.position() })
    this.#upkeep = new Upkeep(options, () => this.randomRetryMs())
    options.broker.listen(this)
    options.metrics.observeStreams(() => this.#sizes())
  }

  /** Open streams, and subscribes that are on their way to become one. */
  get streamCount(): number {
    return this.#streams.size + this.#pending
  }

  get channelCount(): number {
    return this.#channels.size
  }

  /** Open streams that have this channel. */
  streamsOf(channel: string): number {
    let streams = 0
    for (const audience of this.#channels.get(channel)?.audiences ?? []) {
      streams += audience.streams.length
    }
    return streams
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  get tick(): number {
    return this.#upkeep.tick
  }

  position(): Position {
    return this.#broker.position()
  }

  /** A random reconnection time for one stream, ms. `load` 0-1 makes it up to ten times longer. */
  randomRetryMs(load = 0): number {
    const { retryMinMs, retryMaxMs } = this.#options
    const spread = retryMinMs + Math.random() * (retryMaxMs - retryMinMs)
    return Math.round(spread * (1 + 9 * load))
  }

  deliver(channel: string, message: Message): void {
    for (const audience of this.#channels.get(channel)?.audiences ?? []) {
      if (message.isEphemeral && !audience.addEphemeral(message)) {
        this.#metrics.ephemeralMissed += audience.streams.length
      }
      this.#flush.enqueue(audience)
    }
  }

  /** Streams still before the mark of a deletion have been blocked for long: they take no word. */
  reopen(channel: string): void {
    const { log, audiences } = this.#channels.get(channel) as Channel
    for (const { streams } of audiences) {
      for (const stream of streams) {
        if (stream.cursor < (log.endedAt as Position)) stream.cut('deleted')
      }
    }
  }

  /** Subscribes to the channels, then proves where the stream begins. */
  async admit(subscription: Subscription): Promise<Admission> {
    const audience = this.#hold(subscription)
    this.#pending += 1
    try {
      const opening = await this.#broker.open(audience.logs, subscription.start)
      const isOver =
        opening.gap === undefined &&
        audience.isOverAt(opening.cursor) &&
        opening.cursor >= audience.latest
      return { subscription, audience, opening, isOver }
    } catch (error) {
      this.#pending -= 1
      this.#release(audience)
      throw error
    }
  }

  /** Answers the exchange with a stream. `head`: status line and headers. */
  begin(admission: Admission, exchange: Exchange, head: string): void {
    const { subscription, audience, opening } = admission
    if (exchange.request.socket.destroyed) {
      this.dismiss(admission)
      return
    }
    this.#pending -= 1
    const { hasControl, pingMs } = subscription
    const times = this.#upkeep.timesOf(pingMs)
    const stream = new Stream(this, audience, exchange, opening, hasControl, times)
    stream.visitedBy = this.#flush.serial
    audience.add(stream)
    this.#streams.add(stream)
    this.#metrics.streamsOpened += 1
    if (opening.gap !== undefined) this.#metrics.countGap(opening.gap.reason)
    const { heartbeatMs } = this.#options
    const heartbeatSeconds = heartbeatMs === 0 ? null : heartbeatMs / 1000
    const retryMs = this.randomRetryMs()
    stream.open(head, openingFrames({ subscription, audience, opening, retryMs, heartbeatSeconds }))
    this.#upkeep.add(stream)
    if (stream.cursor < audience.latest || audience.isOverAt(stream.cursor)) {
      if (!stream.isBlocked) this.#flush.catchUp(stream)
    } else stream.floors = undefined
  }

  /** Lets go of an admission that does not become a stream. */
  dismiss({ audience }: Admission): void {
    this.#pending -= 1
    this.#release(audience)
  }

  onWritable(stream: Stream): void {
    this.#flush.catchUp(stream)
  }

  onClosed(stream: Stream, reason: StreamCloseReason): void {
    this.#streams.delete(stream)
    this.#upkeep.remove(stream)
    stream.audience.remove(stream)
    this.#release(stream.audience)
    this.#metrics.countClosed(reason, this.#upkeep.secondsSince(stream.openedTick))
    if (stream.replayed > 0) this.#metrics.observeReplay(stream.replayed)
  }

  /** Closes all streams over `drainMs`, each with its own `retry`, and waits for their sockets. */
  async drain(drainMs: number): Promise<void> {
    this.#isDraining = true
    // A stream that was just being opened is part of the next round; the last sockets close within 5 s.
    while (this.#streams.size > 0) {
      const open = [...this.#streams].filter((stream) => !stream.isOver)
      await closeInWaves(open, drainMs, (stream) => stream.close('drain', this.#drainRetryMs()))
      await sleep(CLOSED_CHECK_INTERVAL_MS)
    }
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

  #hold(subscription: Subscription): Audience {
    const key = keyOf(subscription)
    let audience = this.#audiences.get(key)
    if (audience === undefined) {
      audience = this.#createAudience(key, subscription)
      this.#audiences.set(key, audience)
    }
    audience.holders += 1
    return audience
  }

  #createAudience(key: string, { channels, events, isEnvelope }: Subscription): Audience {
    const subscribed = channels.map((name) => {
      let channel = this.#channels.get(name)
      if (channel === undefined) {
        channel = { log: this.#broker.subscribe(name), audiences: [] }
        this.#channels.set(name, channel)
      }
      return channel
    })
    const logs = subscribed.map((channel) => channel.log)
    const audience = new Audience(key, channels, logs, { events, isEnvelope })
    for (const channel of subscribed) channel.audiences.push(audience)
    return audience
  }

  #release(audience: Audience): void {
    audience.holders -= 1
    if (audience.holders > 0) return
    this.#audiences.delete(audience.key)
    for (const name of audience.channels) {
      const channel = this.#channels.get(name) as Channel
      channel.audiences.splice(channel.audiences.indexOf(audience), 1)
      if (channel.audiences.length > 0) continue
      this.#channels.delete(name)
      this.#broker.unsubscribe(name)
    }
  }

  #sizes() {
    let behind = 0
    let attached = 0
    for (const stream of this.#streams) {
      if (stream.isBehind) behind += 1
      if (stream.isAttached) attached += 1
    }
    return { streams: this.#streams.size, behind, attached, channels: this.#channels.size }
  }
}

/** Order matters to an envelope alone: it names the first requested channel. */
function keyOf({ channels, events, isEnvelope }: Subscription): string {
  const names = isEnvelope ? channels : channels.toSorted()
  if (events === undefined && !isEnvelope) return names.join(',')
  return JSON.stringify([names, isEnvelope, events === undefined ? null : [...events].toSorted()])
}
