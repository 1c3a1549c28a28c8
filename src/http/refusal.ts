import { type Socket } from 'node:net'
import { type FastifyReply } from 'fastify'
import { type Broker } from '../broker/broker.ts'
import { errors } from '../errors.ts'
import { type Hub } from '../hub/hub.ts'
import { type LoopLag } from '../limits/loop-lag.ts'
import { type Asker, type StreamLimits } from '../limits/stream-limits.ts'
import { type Metrics, type RefusalReason } from '../metrics.ts'
import { refusalBody } from '../sse/control-frame.ts'

export interface RefusalOptions {
  readonly broker: Broker
  readonly hub: Hub
  readonly metrics: Metrics
  /** 0: no limit. */
  readonly maxStreams: number
  /** 0: no limit. */
  readonly maxChannels: number
  readonly streamLimits: StreamLimits
  readonly lag: LoopLag
  /** 0: no limit. */
  readonly maxLagMs: number
  /** `503` is for clients that are no EventSource. */
  readonly status: '200' | '503'
}

/** A refusal counts for so long in the load that makes the next ones longer. */
const LOAD_DECAY_MS = 10_000

/**
 * A connection that was refused is kept for so long for its next request, and so many are at a time; others end with
 * their refusal. A crowd outside would else hold the files that are left for publishers.
 */
export const REFUSED_IDLE_SECONDS = 5
const MAX_REFUSED_KEPT = 16

/** A small hub is not at full load by a handful of refusals. */
const MIN_FULL_LOAD = 100

/**
 * Turns subscribes away for now (protocol §6). An EventSource stops for good on any status but 200, so the refusal is
 * a short `200` stream that tells it when to come back: the more are refused, the later.
 */
export class Refusals {
  readonly #options: RefusalOptions
  /** Refusals of late, decaying. */
  #recent = 0
  #updatedMs = 0
  /** Connections that were refused and stay open, and what hears of their end. */
  readonly #kept = new Map<Socket, () => void>()

  constructor(options: RefusalOptions) {
    this.#options = options
  }

  /** Why a subscribe can't be taken now. Without a reason, one has been taken off the rates. */
  reason(asker: Asker, channels: readonly string[]): RefusalReason | undefined {
    const { broker, hub, lag, maxLagMs, maxStreams, maxChannels, streamLimits } = this.#options
    if (hub.isDraining) return 'draining'
    if (!broker.isReady) return 'broker'
    if (maxLagMs > 0 && lag.ms > maxLagMs) return 'overloaded'
    if (maxStreams > 0 && hub.streamCount >= maxStreams) return 'max-streams'
    if (maxChannels > 0 && hub.channelCountWith(channels) > maxChannels) return 'max-channels'
    return streamLimits.refuse(asker, channels)
  }

  /** Throws `UNAVAILABLE` where a refusal has a status of its own. */
  answer(reply: FastifyReply, reason: RefusalReason): FastifyReply {
    const { hub, metrics, status } = this.#options
    metrics.countRefused(reason)
    this.#keepOrClose(reply)
    const retryMs = hub.randomRetryMs(this.#load())
    reply.header('piazza-refused', reason).header('retry-after', Math.ceil(retryMs / 1000))
    if (status === '503') {
      throw new errors.UNAVAILABLE(
        `no stream can be opened now (${reason}): try again after Retry-After`,
      )
    }
    return reply.type('text/event-stream').code(200).send(refusalBody(reason, retryMs))
  }

  /** What was refused before is accepted now: its connection is a stream's, and no longer one of those that are kept. */
  release(socket: Socket): void {
    const onClose = this.#kept.get(socket)
    if (onClose === undefined) return
    this.#kept.delete(socket)
    socket.off('close', onClose)
  }

  /** Tells the client what becomes of its connection, as node:http would tell the time of all others. */
  #keepOrClose(reply: FastifyReply): void {
    const { raw } = reply
    const { socket } = raw.req
    if (!this.#isKept(socket)) {
      reply.header('connection', 'close')
      return
    }
    raw.once('finish', () => socket.setTimeout(REFUSED_IDLE_SECONDS * 1000)) // after node:http has set its own
    if (!raw.shouldKeepAlive) return
    reply.header('connection', 'keep-alive').header('keep-alive', `timeout=${REFUSED_IDLE_SECONDS}`)
  }

  #isKept(socket: Socket): boolean {
    if (this.#kept.has(socket)) return true
    if (this.#kept.size >= MAX_REFUSED_KEPT) return false
    const onClose = () => this.#kept.delete(socket)
    this.#kept.set(socket, onClose)
    socket.once('close', onClose)
    return true
  }

  /** 0-1: refusals of late as a share of the streams there may be. */
  #load(): number {
    const { hub, maxStreams } = this.#options
    const nowMs = performance.now()
    this.#recent = this.#recent * Math.exp((this.#updatedMs - nowMs) / LOAD_DECAY_MS) + 1
    this.#updatedMs = nowMs
    return Math.min(1, this.#recent / Math.max(MIN_FULL_LOAD, maxStreams, hub.streamCount))
  }
}
