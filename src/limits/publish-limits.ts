import { type TokenBucket } from 'limiter'
import { fullBucket, Rates } from './rates.ts'

/** A second; 0: no limit. */
export interface PublishLimitOptions {
  readonly messages: number
  readonly bytes: number
}

/** What a publisher can run out of. */
export type ExhaustedRate = 'messages' | 'bytes'

/** Of one of them. */
export interface Left {
  readonly kind: ExhaustedRate
  readonly remaining: number
  /** Until all of it is there again. */
  readonly fullSeconds: number
}

/**
 * What one publisher has left. A request is taken while something is left of both, and what it has above that is owed:
 * a batch or body that is larger than a second's worth gets through, and the rate holds over time.
 */
export class Quota {
  readonly #messages: TokenBucket | undefined
  readonly #bytes: TokenBucket | undefined

  constructor({ messages, bytes }: PublishLimitOptions) {
    this.#messages = messages > 0 ? fullBucket(messages) : undefined
    this.#bytes = bytes > 0 ? fullBucket(bytes) : undefined
  }

  /** Takes one message and its bytes, or tells what there is nothing left of. */
  take(bytes: number): ExhaustedRate | undefined {
    if (isEmpty(this.#messages)) return 'messages'
    if (isEmpty(this.#bytes)) return 'bytes'
    this.owe(1, bytes)
    return undefined
  }

  /** It was more than `take` was told. */
  owe(messages: number, bytes: number): void {
    if (this.#messages !== undefined) this.#messages.content -= messages
    if (this.#bytes !== undefined) this.#bytes.content -= bytes
  }

  /** As of the last request. */
  get left(): Left[] {
    return [...leftOf('messages', this.#messages), ...leftOf('bytes', this.#bytes)]
  }

  /** Until something is left of both, whole seconds. */
  get retrySeconds(): number {
    const waitMs = Math.max(this.#messages?.getWaitTime(1) ?? 0, this.#bytes?.getWaitTime(1) ?? 0)
    return Math.max(1, Math.ceil(waitMs / 1000))
  }
}

function leftOf(kind: ExhaustedRate, bucket: TokenBucket | undefined): Left[] {
  if (bucket === undefined) return []
  const { content, bucketSize } = bucket
  const fullSeconds = Math.ceil((bucketSize - content) / bucketSize)
  return [{ kind, remaining: Math.max(0, Math.floor(content)), fullSeconds }]
}

function isEmpty(bucket: TokenBucket | undefined): boolean {
  return bucket !== undefined && bucket.getWaitTime(1) > 0
}

/** The quotas of all publishers. */
export class PublishLimits {
  readonly options: PublishLimitOptions
  readonly #quotas: Rates<Quota>

  constructor(options: PublishLimitOptions) {
    this.options = options
    this.#quotas = new Rates(() => new Quota(options))
  }

  get areOff(): boolean {
    return this.options.messages === 0 && this.options.bytes === 0
  }

  of(publisher: string): Quota {
    return this.#quotas.of(publisher)
  }
}
