import { randomBytes } from 'node:crypto'
import { errors } from '../../errors.ts'
import { type Log } from '../../log/log.ts'
import { type Floors } from '../../log/read.ts'
import { type Metrics } from '../../metrics.ts'
import { parseId, type Position } from '../../position.ts'
import { encodeBody } from '../../sse/frame.ts'
import { toPayload } from '../../sse/utf8.ts'
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
import { channelDeleted, channelEnded, keyReused } from '../refusals.ts'
import { hashContent } from '../content-hash.ts'
import { proveOpening } from '../opening.ts'
import { Retention, type RetentionLimits } from '../retention.ts'
import { Commands } from './commands.ts'
import { Gate } from './gate.ts'
import { Hearing } from './hearing.ts'
import { Inspection } from './inspection.ts'
import { DELETED_MS, LocalLogs } from './local-logs.ts'
import { Pages } from './pages.ts'
import { type RedisTarget } from './redis-target.ts'
import { toPosition } from './reading.ts'

export interface RedisBrokerOptions extends RetentionLimits {
  readonly target: RedisTarget
  /** Of all keys and channels; it has the hash tag, so that all are in one slot. */
  readonly prefix: string
  readonly idempotencyMs: number
  readonly metrics: Metrics
  readonly log: BrokerLog
}

/** Publications of one request that are under way at the same time: no pipeline may hold Redis up for long. */
const MAX_PUBLISHES_IN_FLIGHT = 100
const MAX_BYTES_IN_FLIGHT = 1024 * 1024
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
      heard: () => this.#logs.heard,
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

  async publish(requests: readonly PublishRequest[]): Promise<PublishResult[]> {
    const results: PublishResult[] = []
    let batch: PublishRequest[] = []
    let bytes = 0
    for (const request of requests) {
      batch.push(request)
      bytes += request.data.length * request.channels.length
      if (batch.length < MAX_PUBLISHES_IN_FLIGHT && bytes < MAX_BYTES_IN_FLIGHT) continue
      results.push(...(await this.#publishTogether(batch)))
      const refusal = results.find(isUnavailable)
      // Else each piece would wait for its own deadline, and those stored behind it be out of order.
      if (refusal !== undefined) return requests.map((_, i) => results[i] ?? refusal)
      batch = []
      bytes = 0
    }
    if (batch.length > 0) results.push(...(await this.#publishTogether(batch)))
    return results
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

  #publishTogether(requests: readonly PublishRequest[]): Promise<PublishResult[]> {
    // Else those that meet a Redis without the script would be stored behind those that don't.
    const isBatch = requests.length > 1
    return Promise.all(requests.map((request, i) => this.#publishOne(request, isBatch && i === 0)))
  }

  async #publishOne(request: PublishRequest, bringsScript: boolean): Promise<PublishResult> {
    const { maxMessages, maxBytes, idempotencyMs, metrics } = this.#options
    const { channels, idempotency, isEnd, isEphemeral } = request
    const hash = idempotency === undefined ? '' : hashContent(request)
    const key =
      idempotency === undefined ? '' : JSON.stringify([idempotency.scope, idempotency.key])
    const kind = isEphemeral ? 'x' : isEnd ? 'e' : 'm'
    const body = toPayload(encodeBody(request))
    const args = [maxMessages, maxBytes, key, hash, idempotencyMs, kind, body, ...channels]
    let reply: string
    try {
      const stored = await this.#commands.run('publish', args, { bringsScript })
      reply = (stored as Buffer).toString('latin1')
    } catch (error) {
      return { error: error as InstanceType<typeof errors.BROKER_UNAVAILABLE> }
    }
    const rest = reply.slice(1)
    switch (reply.charAt(0)) {
      case 'M':
        metrics.messagesPublished += 1
        return { position: toPosition(Buffer.from(rest)), isDuplicate: false }
      case 'D':
        return { position: Number(rest), isDuplicate: true }
      case 'R':
        return { error: keyReused() }
      case 'T':
        return { error: channelDeleted(rest) }
      default:
        return { error: channelEnded(rest) }
    }
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

function isUnavailable(result: PublishResult): boolean {
  return 'error' in result && result.error instanceof errors.BROKER_UNAVAILABLE
}
