import { type errors } from '../../errors.ts'
import { type LogLimits } from '../../log/log.ts'
import { type Metrics } from '../../metrics.ts'
import { encodeBody } from '../../sse/frame.ts'
import { toPayload } from '../../sse/utf8.ts'
import { type PublishRequest, type PublishResult } from '../broker.ts'
import { hashContent } from '../content-hash.ts'
import { channelDeleted, channelEnded, keyReused } from '../refusals.ts'
import {
  type Commands,
  DEADLINE_MS,
  isUnavailable,
  type RunOptions,
  unavailable,
} from './commands.ts'
import { toPosition } from './reading.ts'

export interface PublishingOptions extends Pick<LogLimits, 'maxMessages' | 'maxBytes'> {
  readonly idempotencyMs: number
  readonly metrics: Metrics
}

/** Publications of one request that are under way at the same time: no pipeline may hold Redis up for long. */
const MAX_IN_FLIGHT = 100
const MAX_BYTES_IN_FLIGHT = 1024 * 1024

/** Stores messages, each by one script. */
export class Publishing {
  readonly #commands: Commands
  readonly #options: PublishingOptions

  constructor(commands: Commands, options: PublishingOptions) {
    this.#commands = commands
    this.#options = options
  }

  /** In order, piece by piece; what is not stored when the request's time is over is refused (protocol §10: P4). */
  async publish(requests: readonly PublishRequest[]): Promise<PublishResult[]> {
    const results: PublishResult[] = []
    const endMs = performance.now() + DEADLINE_MS
    for (const piece of inPieces(requests)) {
      const leftMs = endMs - performance.now()
      if (leftMs <= 0) results.push({ error: unavailable('Redis is slow') })
      else results.push(...(await this.#publishTogether(piece, leftMs)))
      const refusal = results.find((result) => 'error' in result && isUnavailable(result.error))
      // Else each piece would wait in vain, and those stored behind it be out of order.
      if (refusal !== undefined) return requests.map((_, i) => results[i] ?? refusal)
    }
    return results
  }

  #publishTogether(
    requests: readonly PublishRequest[],
    deadlineMs: number,
  ): Promise<PublishResult[]> {
    // Else those that meet a Redis without the script would be stored behind those that don't.
    const isBatch = requests.length > 1
    return Promise.all(
      requests.map((request, i) =>
        this.#publishOne(request, { bringsScript: isBatch && i === 0, deadlineMs }),
      ),
    )
  }

  async #publishOne(request: PublishRequest, options: RunOptions): Promise<PublishResult> {
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
      const stored = await this.#commands.run('publish', args, options)
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
}

/** Each as much as may be under way, and one more than its bytes. */
function* inPieces(requests: readonly PublishRequest[]): Generator<PublishRequest[]> {
  let piece: PublishRequest[] = []
  let bytes = 0
  for (const request of requests) {
    piece.push(request)
    bytes += request.data.length * request.channels.length
    if (piece.length < MAX_IN_FLIGHT && bytes < MAX_BYTES_IN_FLIGHT) continue
    yield piece
    piece = []
    bytes = 0
  }
  if (piece.length > 0) yield piece
}
