import { findGap } from '../../log/gap.ts'
import { Log } from '../../log/log.ts'
import { createDeletion, createMessage } from '../../log/message.ts'
import { type Floors, floorsAtBases } from '../../log/read.ts'
import { type Metrics } from '../../metrics.ts'
import { currentPosition, millisecondsOf, type Position } from '../../position.ts'
import {
  type Broker,
  type BrokerListener,
  type ChannelPage,
  type ChannelState,
  type HistoryPage,
  type ListPlace,
  type ListQuery,
  type Opening,
  type Page,
  type PublishRequest,
  type PublishResult,
  type Start,
} from '../broker.ts'
import { IdempotencyKeys } from './idempotency-keys.ts'
import { listChannels, readHistory, stateOf } from './inspect.ts'
import { hashContent } from '../content-hash.ts'
import { proveOpening } from '../opening.ts'
import { channelDeleted, channelEnded, keyReused } from '../refusals.ts'
import { Retention, type RetentionLimits } from '../retention.ts'

/** For so long the name of a deleted channel stays closed (protocol §5). */
const DELETED_MS = 60_000
const SWEEP_INTERVAL_MS = 1000
/**
 * Deleted names that are kept closed, 630 to 805 bytes each (measured, names of 20 and 200 characters); beyond, the
 * oldest are free early.
 */
const MAX_DELETED = 100_000
/** Channels forgotten in one turn of the event loop. */
const SWEEP_CHANNELS = 2000

export interface MemoryBrokerOptions extends RetentionLimits {
  readonly idempotencyMs: number
  readonly metrics: Metrics
}

/** The broker inside the process: one replica, nothing survives a restart (streams then get a `reset` gap). */
export class MemoryBroker implements Broker {
  readonly name = 'memory'
  readonly isReady = true
  readonly isConnected = true
  readonly #retention: Retention
  readonly #idempotencyKeys: IdempotencyKeys
  readonly #metrics: Metrics
  /** Logs that streams read, also while they are empty. */
  readonly #subscribed = new Map<string, Log>()
  /**
   * Deleted channels and when their names are free again (ms), in that order. Not in the retention: for want of room
   * it would drop their marks, and free the names.
   */
  readonly #deleted = new Map<string, { readonly log: Log; readonly dueMs: number }>()
  #listener: BrokerListener | undefined
  /** The last position given out or told. */
  #clock: Position
  /** When this data set began. */
  readonly #born: Position
  /** The highest position dropped together with its channel. */
  #forgotten: Position = 0
  #sweepTimer: NodeJS.Timeout

  constructor({ idempotencyMs, metrics, ...limits }: MemoryBrokerOptions) {
    this.#metrics = metrics
    this.#retention = new Retention(limits, metrics, (log) => this.#onForget(log))
    this.#idempotencyKeys = new IdempotencyKeys(idempotencyMs, metrics)
    this.#clock = currentPosition()
    this.#born = this.#clock
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS).unref()
    metrics.setBrokerConnected('memory', true)
    metrics.observeLogs(() => ({
      bytes: this.#retention.bytes,
      channels: this.#retention.channels,
    }))
  }

  listen(listener: BrokerListener): void {
    this.#listener = listener
  }

  async publish(requests: readonly PublishRequest[]): Promise<PublishResult[]> {
    return requests.map((request) => this.#publishOne(request))
  }

  async delete(channel: string): Promise<void> {
    const log = this.#find(channel) ?? this.#createLog(channel)
    const { ending } = log
    // In the place of an end: who has been told of that is not told again.
    const deletion =
      ending === undefined
        ? createDeletion([channel], this.#tick())
        : createDeletion(ending.channels, ending.position)
    this.#retention.remove(channel)
    log.clear()
    log.append(deletion)
    this.#deleted.delete(channel)
    this.#deleted.set(channel, { log, dueMs: millisecondsOf(currentPosition()) + DELETED_MS })
    const [oldest = channel] = this.#deleted.keys()
    if (this.#deleted.size > MAX_DELETED) this.#reopen(oldest)
    if (ending !== undefined || !this.#subscribed.has(channel)) return
    this.#listener?.deliver(channel, deletion)
  }

  subscribe(channel: string): Log {
    const log = this.#find(channel) ?? this.#createLog(channel)
    this.#subscribed.set(channel, log)
    return log
  }

  unsubscribe(channel: string): void {
    const log = this.#subscribed.get(channel)
    this.#subscribed.delete(channel)
    if (log !== undefined && this.#find(channel) === undefined) this.#onForget(log)
  }

  async open(logs: readonly Log[], start: Start): Promise<Opening> {
    const clock = this.position()
    for (const log of logs) this.#findForReading(log.channel)
    return proveOpening({ logs, start, clock, born: this.#born })
  }

  async inspect(channel: string): Promise<ChannelState> {
    return stateOf(channel, this.#findForReading(channel))
  }

  async history(channel: string, start: Start, limit: number): Promise<HistoryPage> {
    const clock = this.position()
    const log = this.#findForReading(channel) ?? this.#createLog(channel)
    const opening = proveOpening({ logs: [log], start, clock, born: this.#born })
    return readHistory(log, opening, limit)
  }

  async list(query: ListQuery): Promise<ChannelPage> {
    return listChannels(this.#newestFirst(query.after), query)
  }

  /** The logs are the store: what they have dropped is lost. */
  async read(logs: readonly Log[], cursor: Position, floors: Floors | undefined): Promise<Page> {
    const gap = findGap({ logs, cursor, floors, clock: this.position(), after: cursor })
    const start = gap?.position ?? cursor
    return { gap, messages: [], cursor: start, floors: floorsAtBases(logs) }
  }

  /** Raises the clock to what it tells, so that whatever is published next is later. */
  position(): Position {
    this.#clock = Math.max(this.#clock, currentPosition())
    return this.#clock
  }

  async close(): Promise<void> {
    clearInterval(this.#sweepTimer)
  }

  #publishOne(request: PublishRequest): PublishResult {
    const { idempotency } = request
    const nowMs = Date.now()
    const hash = idempotency === undefined ? '' : hashContent(request)
    if (idempotency !== undefined) {
      const first = this.#idempotencyKeys.find(idempotency, nowMs)
      if (first !== undefined) return answerRepeated(first, hash)
    }
    const closed = this.#findClosed(request.channels)
    if (closed !== undefined) return { error: closed }
    const position = this.#tick()
    if (idempotency !== undefined) this.#idempotencyKeys.add(idempotency, position, hash, nowMs)
    const logs = request.channels.map((name) => this.#find(name) ?? this.#createLog(name))
    const channels = logs.length === 1 ? logs[0]!.onlyChannel : request.channels
    const message = createMessage(request, position, channels)
    for (const log of logs) {
      if (!message.isEphemeral) this.#retention.change(log, position, () => log.append(message))
      if (this.#subscribed.has(log.channel)) this.#listener?.deliver(log.channel, message)
    }
    this.#metrics.messagesPublished += 1
    return { position, isDuplicate: false }
  }

  /** All channels are looked at before any is written. */
  #findClosed(channels: readonly string[]) {
    for (const channel of channels) {
      this.#reopenIfDue(channel)
      const log = this.#find(channel)
      if (log?.endedAt === undefined) continue
      this.#retention.trim(log, currentPosition()) // an end is over with its age
      if (log.endedAt === undefined) continue
      return log.isDeleted ? channelDeleted(channel) : channelEnded(channel)
    }
    return undefined
  }

  /** Without what has aged out since it was last looked at. */
  *#newestFirst(start: ListPlace | undefined): Generator<Log> {
    const now = currentPosition()
    for (const log of this.#retention.newestFirst(start)) {
      this.#retention.trim(log, now)
      yield log
    }
  }

  #tick(): Position {
    this.#clock = Math.max(this.#clock + 1, currentPosition())
    return this.#clock
  }

  #find(channel: string): Log | undefined {
    return (
      this.#retention.find(channel) ??
      this.#subscribed.get(channel) ??
      this.#deleted.get(channel)?.log
    )
  }

  /** Brought up to date: neither an expired message nor an end that is over. */
  #findForReading(channel: string): Log | undefined {
    this.#reopenIfDue(channel)
    const log = this.#find(channel)
    if (log !== undefined) this.#retention.trim(log, currentPosition())
    return log
  }

  /** Whatever this name had before is not later than `forgotten`. */
  #createLog(channel: string): Log {
    return new Log(channel, Math.max(this.#forgotten, this.#born))
  }

  #onForget(log: Log): void {
    if (!this.#subscribed.has(log.channel)) this.#forgotten = Math.max(this.#forgotten, log.base)
  }

  #reopenIfDue(channel: string): void {
    const deleted = this.#deleted.get(channel)
    if (deleted !== undefined && deleted.dueMs <= Date.now()) this.#reopen(channel)
  }

  #reopen(channel: string): void {
    const { log } = this.#deleted.get(channel)!
    this.#deleted.delete(channel)
    if (this.#subscribed.has(channel)) this.#listener?.reopen(channel)
    log.clear()
    this.#retention.change(log, this.#clock, () => {}) // what it had is forgotten in its time
  }

  /** Ends what is over by age, in bounded turns. */
  #sweep(): void {
    const now = currentPosition()
    let left = SWEEP_CHANNELS
    for (const [channel, { dueMs }] of this.#deleted) {
      if (dueMs > millisecondsOf(now) || left === 0) break
      left -= 1
      this.#reopen(channel)
    }
    const hasMore = this.#retention.expire(now, SWEEP_CHANNELS) || left === 0
    if (hasMore) setImmediate(() => this.#sweep()).unref()
  }
}

function answerRepeated(
  first: { position: Position; contentHash: string },
  hash: string,
): PublishResult {
  if (first.contentHash === hash) return { position: first.position, isDuplicate: true }
  return { error: keyReused() }
}
