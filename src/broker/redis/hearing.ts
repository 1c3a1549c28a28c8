import { type Metrics } from '../../metrics.ts'
import { type BrokerLog } from '../broker-log.ts'
import { type Announcement, decodeAnnouncement } from './announcement.ts'
import { BASELINE_FENCE, Baselines } from './baselines.ts'
import { type Commands } from './commands.ts'
import { type Gate } from './gate.ts'
import { Healing } from './healing.ts'
import { type LocalChannel } from './local-channel.ts'
import { type LocalLogs } from './local-logs.ts'
import { type RedisTarget } from './redis-target.ts'
import { Subscriber } from './subscriber.ts'

export interface HearingOptions {
  readonly target: RedisTarget
  readonly commands: Commands
  readonly logs: LocalLogs
  readonly gate: Gate
  readonly metrics: Metrics
  readonly log: BrokerLog
  /** Of all keys and channels, with the hash tag. */
  readonly prefix: string
  readonly maxAgeMs: number
  /** Names this replica among all. */
  readonly replica: string
}

/** A channel without streams is heard for so long: its clients may be just reconnecting. */
const LINGER_MS = 5000
/** What has lingered is looked for, and names that are free again. */
const SWEEP_INTERVAL_MS = 1000
/** Positions must not age while nothing is published: logs are compared several times in their age. */
const COMPARISONS_PER_AGE = 8
const MIN_COMPARE_INTERVAL_MS = 250
const MAX_COMPARE_INTERVAL_MS = 4000

/** Which channels this replica hears, from the first SUBSCRIBE to healthy logs (rules 4 to 7). */
export class Hearing {
  readonly #options: HearingOptions
  readonly #subscriber: Subscriber
  readonly #healing: Healing
  readonly #livePrefix: string
  readonly #fenceChannel: string
  readonly #baselines: Baselines
  /** Created in this turn, subscribed to together. */
  #created: LocalChannel[] = []
  #sweepTimer: NodeJS.Timeout | undefined
  #compareTimer: NodeJS.Timeout | undefined
  #generation = 0
  #waiting: (() => void)[] = []
  #isClosed = false

  constructor(options: HearingOptions) {
    this.#options = options
    const { prefix, replica, target, metrics, log } = options
    this.#livePrefix = `${prefix}live:`
    this.#fenceChannel = `${prefix}fence:${replica}`
    this.#subscriber = new Subscriber({
      target,
      metrics,
      log,
      onMessage: (channel, payload) => this.#onMessage(channel, payload),
      onUp: () => this.#onUp(),
      onDown: () => this.#onDown(),
    })
    this.#healing = new Healing({
      ...options,
      subscriber: this.#subscriber,
      fenceChannel: this.#fenceChannel,
      hear: (channel, announcement) => this.#hear(channel, announcement),
      compare: () => this.#compare(),
    })
    this.#baselines = new Baselines({
      ...options,
      fenceChannel: this.#fenceChannel,
      hear: (channel, announcement) => this.#hear(channel, announcement),
      onReady: (clock) => {
        this.#healing.include(clock)
        this.#wake()
      },
      compare: () => this.#compare(),
    })
    options.gate.close() // until the first comparison
  }

  get isUp(): boolean {
    return this.#subscriber.isUp
  }

  open(): void {
    this.#subscriber.open()
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref()
    this.#compareLater()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweepTimer)
    clearTimeout(this.#compareTimer)
    this.#healing.close()
    this.#baselines.close()
    this.#subscriber.close()
    this.#options.gate.wake()
    this.#wake()
  }

  /** Resolves when a channel has become ready, or the broker was closed. */
  whenChanged(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** A stream wants it. */
  hold(name: string): LocalChannel {
    const { logs } = this.#options
    const known = logs.get(name)
    if (known !== undefined) {
      known.isHeld = true
      return known
    }
    const channel = logs.create(name)
    if (this.#created.length === 0) setImmediate(() => this.#subscribeCreated())
    this.#created.push(channel)
    return channel
  }

  /** No stream wants it any more. */
  release(name: string): void {
    const channel = this.#options.logs.get(name)
    if (channel === undefined) return
    channel.isHeld = false
    channel.releasedAtMs = performance.now()
  }

  #subscribeCreated(): void {
    const created = this.#created
    this.#created = []
    if (this.#subscriber.isUp) this.#subscribe(created, () => {})
  }

  #subscribe(channels: readonly LocalChannel[], onDone: () => void): void {
    this.#generation += 1
    const generation = this.#generation
    for (const channel of channels) channel.generation = generation
    const names = channels.map(({ name }) => this.#livePrefix + name)
    this.#subscriber.subscribe(names, () => {
      const asked = channels.filter(({ state }) => state === 'asked')
      for (const channel of asked) channel.state = 'acknowledged'
      this.#baselines.read(asked, generation)
      onDone()
    })
  }

  #onUp(): void {
    this.#created = []
    this.#subscriber.subscribe([this.#fenceChannel], () => {})
    this.#subscribe([...this.#options.logs.all()], () => {
      this.#healing.start('reconnect')
    })
  }

  #onDown(): void {
    const { gate, logs } = this.#options
    gate.close()
    gate.drop()
    this.#healing.abort()
    this.#baselines.abort()
    for (const channel of logs.all()) {
      if (channel.state === 'acknowledged') channel.state = 'asked'
    }
  }

  #onMessage(redisChannel: string, payload: Buffer): void {
    if (redisChannel === this.#fenceChannel) {
      const fence = payload.toString('latin1')
      if (fence.startsWith(BASELINE_FENCE)) this.#baselines.hearFence(fence)
      else this.#healing.hearFence(Number(fence))
      return
    }
    const channel = this.#options.logs.get(redisChannel.slice(this.#livePrefix.length))
    if (channel !== undefined) this.#hear(channel, decodeAnnouncement(payload))
  }

  /** A live message, in the order of the connection. */
  #hear(channel: LocalChannel, announcement: Announcement): void {
    const { gate, logs } = this.#options
    if (channel.state === 'asked') return
    if (gate.isClosed) {
      gate.hold(channel, announcement)
    } else if (channel.state === 'acknowledged') {
      this.#baselines.early.hold(channel, announcement)
    } else if (announcement.kind === 'x') {
      logs.deliverEphemeral(channel, announcement)
    } else if (announcement.position > channel.log.end) {
      if (announcement.kind !== 't' && announcement.previous > channel.through) {
        gate.close()
        gate.hold(channel, announcement)
        this.#healing.start('hole')
        return
      }
      logs.append(channel, announcement)
    }
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #sweep(): void {
    const { logs } = this.#options
    logs.reopenDue()
    logs.expire()
    const leaving: LocalChannel[] = []
    for (const channel of logs.all()) {
      if (!channel.isHeld && performance.now() - channel.releasedAtMs >= LINGER_MS) {
        leaving.push(channel)
      }
    }
    for (const channel of leaving) {
      logs.remove(channel)
      this.#baselines.early.take(channel)
    }
    if (leaving.length > 0) {
      this.#subscriber.unsubscribe(leaving.map(({ name }) => this.#livePrefix + name))
    }
  }

  /**
   * Not while the gate is closed: one that succeeds would open it, though channels may not be subscribed to again yet.
   */
  #compare(): void {
    const isQuiet = !this.#healing.isRunning && !this.#options.gate.isClosed
    if (isQuiet && this.#subscriber.isUp && !this.#isClosed) this.#healing.start('periodic')
  }

  #compareLater(): void {
    const { maxAgeMs } = this.#options
    const wantedMs = Math.max(MIN_COMPARE_INTERVAL_MS, maxAgeMs / COMPARISONS_PER_AGE)
    const intervalMs = Math.min(MAX_COMPARE_INTERVAL_MS, wantedMs)
    this.#compareTimer = setTimeout(
      () => {
        this.#compare()
        this.#compareLater()
      },
      intervalMs * (1 + Math.random() / 2),
    ).unref()
  }
}
