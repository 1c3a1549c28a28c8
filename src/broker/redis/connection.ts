import { Redis, type RedisOptions } from 'ioredis'
import { type BrokerLog } from '../broker-log.ts'
import { type Metrics } from '../../metrics.ts'
import { connectionOptions, type RedisTarget } from './redis-target.ts'

/** A connection lives for so long before it is replaced: else one that Redis refuses would spin. */
const MIN_AGE_MS = 1000

const MAX_REASON_CHARACTERS = 200

/** An error of Redis without what was sent to it: a password, say. */
export function withoutArguments(message: string): string {
  return message.split(/, with args|, args/, 1)[0]!
}

/** Which of the two. */
export type ConnectionName = 'commands' | 'subscriber'

export interface ConnectionOptions {
  readonly name: ConnectionName
  readonly target: RedisTarget
  readonly metrics: Metrics
  readonly log: BrokerLog
  readonly onUp: () => void
  readonly onDown: () => void
}

/** A connection to Redis that comes back by itself, and tells when it comes and goes. */
export class Connection {
  readonly client: Redis
  readonly #options: ConnectionOptions
  #isUp = false
  #wasUp = false
  #upSinceMs = 0
  #isTold = false
  #isClosed = false
  #isBeingReplaced = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    const { name, target, metrics } = options
    metrics.setBrokerConnected(name, false)
    const clientOptions: Omit<RedisOptions, 'replyMapping'> = connectionOptions(
      target,
      `piazza:${name}`,
    )
    this.client = new Redis(clientOptions)
    this.client.on('ready', () => this.#onReady())
    this.client.on('close', () => this.#onClose())
    this.client.on('error', (error: Error) => this.#tellOnce(error))
  }

  get isUp(): boolean {
    return this.#isUp
  }

  open(): void {
    this.client.connect().catch(() => {
      // 'error' has told, and it tries again
    })
  }

  /** For one that is up, and yet does not do what it should. */
  replace(reason: string): void {
    if (this.#isBeingReplaced) return
    this.#isBeingReplaced = true
    this.#options.log.warn({ connection: this.#options.name, reason }, 'redis connection replaced')
    const ageMs = performance.now() - this.#upSinceMs
    setTimeout(
      () => {
        this.#isBeingReplaced = false
        if (!this.#isClosed) this.client.disconnect(true)
      },
      Math.max(0, MIN_AGE_MS - ageMs),
    ).unref()
  }

  close(): void {
    this.#isClosed = true
    this.client.disconnect()
  }

  #onReady(): void {
    const { name, metrics, log, onUp } = this.#options
    this.#isUp = true
    this.#upSinceMs = performance.now()
    this.#isTold = false
    if (this.#wasUp) metrics.countReconnect(name)
    this.#wasUp = true
    metrics.setBrokerConnected(name, true)
    log.info({ connection: name }, 'redis connected')
    onUp()
  }

  #onClose(): void {
    if (!this.#isUp) return
    const { name, metrics, onDown } = this.#options
    this.#isUp = false
    metrics.setBrokerConnected(name, false)
    this.#tellOnce(new Error('the connection was closed'))
    onDown()
  }

  /** Once for each outage: it is tried again several times a second. Never the error itself, which has commands in it. */
  #tellOnce({ message }: Error): void {
    if (this.#isTold || this.#isClosed) return
    this.#isTold = true
    const { name, log } = this.#options
    const [reason = ''] = withoutArguments(message).split('\n', 1) // of several lines the first says it
    log.warn(
      { connection: name, reason: reason.slice(0, MAX_REASON_CHARACTERS) },
      'redis is away: trying again',
    )
  }
}
