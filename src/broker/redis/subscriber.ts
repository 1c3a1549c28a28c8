import { type Metrics } from '../../metrics.ts'
import { type BrokerLog } from '../broker-log.ts'
import { Connection } from './connection.ts'
import { type RedisTarget } from './redis-target.ts'

export interface SubscriberOptions {
  readonly target: RedisTarget
  readonly metrics: Metrics
  readonly log: BrokerLog
  readonly onMessage: (redisChannel: string, payload: Buffer) => void
  /** Nothing is subscribed. */
  readonly onUp: () => void
  readonly onDown: () => void
}

/** Names in one SUBSCRIBE. */
const MAX_NAMES = 512

type Order =
  | { readonly kind: 'subscribe'; readonly names: readonly string[]; readonly onDone: () => void }
  | { readonly kind: 'unsubscribe'; readonly names: readonly string[] }

/**
 * The connection that announcements come on. Orders are sent one after the other, so that an acknowledgement is the
 * last one's (rule 4).
 */
export class Subscriber {
  readonly #connection: Connection
  #orders: Order[] = []
  #isSending = false
  /** Rises with each connection: what was ordered on an older one is void. */
  #epoch = 0

  constructor({ target, metrics, log, onMessage, onUp, onDown }: SubscriberOptions) {
    this.#connection = new Connection({
      name: 'subscriber',
      target,
      metrics,
      log,
      onUp,
      onDown: () => {
        this.#epoch += 1
        this.#orders = []
        onDown()
      },
    })
    this.#connection.client.on('messageBuffer', (channel: Buffer, payload: Buffer) => {
      onMessage(channel.toString('latin1'), payload)
    })
  }

  get isUp(): boolean {
    return this.#connection.isUp
  }

  open(): void {
    this.#connection.open()
  }

  close(): void {
    this.#connection.close()
  }

  replace(reason: string): void {
    this.#connection.replace(reason)
  }

  /** `onDone`: all are acknowledged. Not called if the connection is lost before. */
  subscribe(names: readonly string[], onDone: () => void): void {
    for (let i = 0; i < names.length; i += MAX_NAMES) {
      const isLast = i + MAX_NAMES >= names.length
      const part = names.slice(i, i + MAX_NAMES)
      this.#order({ kind: 'subscribe', names: part, onDone: isLast ? onDone : ignore })
    }
    if (names.length === 0) onDone()
  }

  unsubscribe(names: readonly string[]): void {
    for (let i = 0; i < names.length; i += MAX_NAMES) {
      this.#order({ kind: 'unsubscribe', names: names.slice(i, i + MAX_NAMES) })
    }
  }

  #order(order: Order): void {
    if (!this.isUp) return
    this.#orders.push(order)
    if (!this.#isSending) void this.#send()
  }

  async #send(): Promise<void> {
    this.#isSending = true
    for (let order = this.#orders.shift(); order !== undefined; order = this.#orders.shift()) {
      const epoch = this.#epoch
      try {
        if (order.kind === 'subscribe') await this.#connection.client.subscribe(...order.names)
        else await this.#connection.client.unsubscribe(...order.names)
      } catch {
        if (epoch === this.#epoch && this.isUp) this.replace(`${order.kind} was refused`)
        continue
      }
      if (epoch === this.#epoch && order.kind === 'subscribe') order.onDone()
    }
    this.#isSending = false
  }
}

function ignore(): void {
  // of several orders, the last one tells
}
