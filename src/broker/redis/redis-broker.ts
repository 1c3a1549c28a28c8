import { randomBytes } from 'node:crypto'
import { errors } from '../../errors.ts'
import { type Log } from '../../log/log.ts'
import { type Floors } from '../../log/read.ts'
import { type Metrics } from '../../metrics.ts'
import { parseId, type Position } from '../../position.ts'
import {
  type Broker,
  type BrokerListener,
  type ChannelPage,
  type ChannelState,
  type HistoryPage,
  type ListQuery,
  type Opening,
  type Page,
  type PublishRequest,
  type PublishResult,
  type Start,
} from '../broker.ts'
import { type BrokerLog } from '../broker-log.ts'
import { proveOpening } from '../opening.ts'
import { Retention, type RetentionLimits } from '../retention.ts'
import { Commands } from './commands.ts'
import { Gate } from './gate.ts'
import { Hearing } from './hearing.ts'
import { Inspection } from './inspection.ts'
import { DELETED_MS, LocalLogs } from './local-logs.ts'
import { Pages } from './pages.ts'
import { Publishing } from './publishing.ts'
import { type RedisTarget } from './redis-target.ts'

export interface RedisBrokerOptions extends RetentionLimits {
  readonly target: RedisTarget
  /** Of all keys and channels; it has the hash tag, so that all are in one slot. */
  readonly prefix: string
  readonly idempotencyMs: number
  readonly metrics: Metrics
  readonly log: BrokerLog
}

/** A failover may lose messages of many channels. */
const ROLLBACK_TELL_INTERVAL_MS = 60_000

/**
 * The broker of several replicas: Redis keeps the logs and announces each message to all. Each replica has a log of its
 * own for every channel it hears, which is compared with Redis and healed; streams read that, or Redis where it does
 * not reach back far enough.
 */
export class RedisBroker implements Broker {
  readonly name = 'redis'
  readonly #options: RedisBrokerOptions
  readonly #commands: Commands
  readonly #logs: LocalLogs
  readonly #gate: Gate
  readonly #hearing: Hearing
  readonly #pages: Pages
  readonly #publishing: Publishing
  readonly #inspection: Inspection
  #isClosed = false
  #wasReached = false
  #rollbackToldMs = -ROLLBACK_TELL_INTERVAL_MS

  constructor(options: RedisBrokerOptions) {
    this.#options = options
    const { target, prefix, metrics, log, maxAgeMs } = options
    const retention = new Retention(options, metrics, () => {})
    metrics.observeLogs(() => ({ bytes: retention.bytes, channels: retention.channels }))
    this.#logs = new LocalLogs(retention, () => this.#tellRollback())
    this.#gate = new Gate(metrics)
    this.#commands = new Commands({
      target,
      prefix,
      maxAgeMs,
      metrics,
      log,
      known: () => this.#logs,
    })
    this.#hearing = new Hearing({
      target,
      commands: this.#commands,
      logs: this.#logs,
      gate: this.#gate,
      metrics,
      log,
      prefix,
      maxAgeMs,
      replica: randomBytes(8).toString('hex'),
    })
    this.#pages = new Pages(this.#commands)
    this.#publishing = new Publishing(this.#commands, options)
    this.#inspection = new Inspection({ commands: this.#commands, pages: this.#pages })
    void this.#noteReached()
  }

  /** Connects. Rejects nothing: it goes on trying. */
  start(): void {
    this.#commands.open()
    this.#hearing.open()
  }

  get isReady(): boolean {
    return this.#wasReached
  }

  get isConnected(): boolean {
    return this.#commands.isReady && this.#hearing.isUp
  }

  listen(listener: BrokerListener): void {
    this.#logs.listen(listener)
  }

  publish(requests: readonly PublishRequest[]): Promise<PublishResult[]> {
    return this.#publishing.publish(requests)
  }

  async delete(channel: string): Promise<void> {
    await this.#commands.run('delete', [DELETED_MS, channel])
  }

  subscribe(channel: string): Log {
    return this.#hearing.hold(channel).log
  }

  unsubscribe(channel: string): void {
    this.#hearing.release(channel)
  }

  async open(logs: readonly Log[], start: Start): Promise<Opening> {
    await this.#whenReady(logs)
    this.#logs.reopenDue(logs.map(({ channel }) => channel))
    this.#logs.trim(logs)
    const local = this.#openHere(logs, start)
    if (local !== undefined) return local
    const channels = logs.map(({ channel }) => channel)
    if (start.kind === 'after') {
      const from = parseId(start.id) ?? Number.MAX_SAFE_INTEGER // a garbage id was answered here
      return this.#pages.read({ channels, from, floors: undefined, kind: 'after' })
    }
    if (start.kind === 'newest') {
      const floors = await this.#pages.floorsOfNewest(channels, start.count)
      return this.#pages.read({ channels, from: 0, floors, kind: 'floors' })
    }
    const from = start.kind === 'since' ? start.time : this.#logs.heard // rule 12: all are ready, what is later comes
    return this.#pages.read({ channels, from, floors: undefined, kind: 'since' })
  }

  read(logs: readonly Log[], cursor: Position, floors: Floors | undefined): Promise<Page> {
    const channels = logs.map(({ channel }) => channel)
    return this.#pages.read({ channels, from: cursor, floors, kind: 'after' })
  }

  /** Rule 12: up to here all that there is was heard. While the gate is closed nothing newer can be claimed. */
  position(logs: readonly Log[] = []): Position {
    if (logs.length === 0) return this.#logs.heard
    if (this.#gate.isClosed) return 0
    const heard = Math.min(...logs.map(({ channel }) => this.#logs.get(channel)?.through ?? 0))
    const ends = logs.map(({ endedAt }) => endedAt ?? 0)
    return ends.includes(0) ? heard : Math.max(heard, ...ends) // nothing follows an end
  }

  inspect(channel: string): Promise<ChannelState> {
    return this.#inspection.inspect(channel)
  }

  history(channel: string, start: Start, limit: number): Promise<HistoryPage> {
    return this.#inspection.history(channel, start, limit)
  }

  list(query: ListQuery): Promise<ChannelPage> {
    return this.#inspection.list(query)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#hearing.close()
    this.#commands.close()
  }

  /** Counted for each channel, told now and then. */
  #tellRollback(): void {
    const { metrics, log } = this.#options
    metrics.rollbacks += 1
    if (performance.now() < this.#rollbackToldMs + ROLLBACK_TELL_INTERVAL_MS) return
    this.#rollbackToldMs = performance.now()
    log.warn({}, 'redis has lost messages that were delivered: publishers had been told of them')
  }

  async #noteReached(): Promise<void> {
    await this.#gate.whenOpen() // the first comparison has succeeded
    this.#wasReached = !this.#isClosed
  }

  /** All channels are ready, and what was missed has been read back. */
  async #whenReady(logs: readonly Log[]): Promise<void> {
    for (;;) {
      if (this.#isClosed) throw new errors.BROKER_UNAVAILABLE('the hub is closing')
      await this.#gate.whenOpen()
      const channels = logs.map(({ channel }) => this.#logs.get(channel))
      if (channels.some((channel) => channel === undefined)) {
        throw new errors.BROKER_UNAVAILABLE('the stream has left')
      }
      if (this.#gate.isClosed) continue // what was held back had another hole in it
      if (channels.every((channel) => channel?.state === 'ready')) return
      await this.#hearing.whenChanged()
    }
  }

  /** Rule 9: wholly from the logs here, if they reach back far enough; undefined: they don't. */
  #openHere(logs: readonly Log[], start: Start): Opening | undefined {
    const { heard, born = 0 } = this.#logs
    if (start.kind === 'newest') {
      if (logs.some((log) => log.length - (log.isDeleted ? 1 : 0) < start.count)) return undefined
      return proveOpening({ logs, start, clock: heard, born })
    }
    let from = heard
    if (start.kind === 'after') {
      const position = parseId(start.id)
      if (position !== undefined && position > heard) return undefined
      from = position ?? heard
    } else if (start.kind === 'since') from = Math.min(Math.max(start.time, born), heard)
    if (logs.some((log) => log.base > from)) return undefined
    // What was heard of other channels, or read, may be later than what is still in flight of these.
    const clock = from === heard ? heard : Math.max(from, this.position(logs))
    return proveOpening({ logs, start, clock, born })
  }
}
