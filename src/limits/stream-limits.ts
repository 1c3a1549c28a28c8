import { type TokenBucket } from 'limiter'
import { type RefusalReason } from '../metrics.ts'
import { fullBucket, Rates } from './rates.ts'
import { Tally } from './tally.ts'

/** 0: no limit. */
export interface StreamLimitOptions {
  readonly perAddress: number
  readonly perSubject: number
  readonly perChannel: number
  /** New streams a second. */
  readonly rate: number
  readonly ratePerAddress: number
}

/** Whose stream it is to be. */
export interface Asker {
  /** As it is counted. */
  readonly address: string
  /** Undefined: it has no JWT. */
  readonly subject: string | undefined
}

/** What a stream takes up of the limits, from its subscribe to its end. */
export interface Place {
  /** Gives it back; called once. */
  leave(): void
}

/** Who has how many streams. Nothing is counted for a limit that is off. */
export class StreamLimits {
  readonly #options: StreamLimitOptions
  readonly #addresses = new Tally()
  readonly #subjects = new Tally()
  readonly #channels = new Tally()
  readonly #rate: TokenBucket | undefined
  readonly #rates: Rates<TokenBucket> | undefined

  constructor(options: StreamLimitOptions) {
    const { rate, ratePerAddress } = options
    this.#options = options
    this.#rate = rate > 0 ? fullBucket(rate) : undefined
    this.#rates = ratePerAddress > 0 ? new Rates(() => fullBucket(ratePerAddress)) : undefined
  }

  /** The address of an asker matters. */
  get countsAddresses(): boolean {
    return this.#options.perAddress > 0 || this.#rates !== undefined
  }

  /** Addresses, subjects and channels that are counted now. */
  get size(): number {
    return this.#addresses.size + this.#subjects.size + this.#channels.size
  }

  /** Why it may have no further stream now. If there is no reason, one has been taken off the rates. */
  refuse({ address, subject }: Asker, channels: readonly string[]): RefusalReason | undefined {
    const { perAddress, perSubject, perChannel } = this.#options
    if (isFull(this.#addresses, address, perAddress)) return 'max-streams-per-ip'
    if (subject !== undefined && isFull(this.#subjects, subject, perSubject)) {
      return 'max-streams-per-subject'
    }
    if (channels.some((channel) => isFull(this.#channels, channel, perChannel))) {
      return 'max-streams-per-channel'
    }
    return this.#takeRates(address)
  }

  /** Takes up its place, in the same turn in which `refuse` had nothing against it. */
  occupy({ address, subject }: Asker, channels: readonly string[]): Place | undefined {
    const { perAddress, perSubject, perChannel } = this.#options
    const taken: [Tally, string][] = []
    if (perAddress > 0) taken.push([this.#addresses, address])
    if (perSubject > 0 && subject !== undefined) taken.push([this.#subjects, subject])
    if (perChannel > 0) for (const channel of channels) taken.push([this.#channels, channel])
    if (taken.length === 0) return undefined
    for (const [tally, name] of taken) tally.add(name)
    return {
      leave: () => {
        for (const [tally, name] of taken) tally.remove(name)
      },
    }
  }

  /** One who is refused by one rate takes nothing off the other. */
  #takeRates(address: string): RefusalReason | undefined {
    const own = this.#rates?.of(address)
    if (own !== undefined && own.getWaitTime(1) > 0) return 'stream-rate-per-ip'
    if (this.#rate?.tryRemoveTokens(1) === false) return 'stream-rate'
    own?.tryRemoveTokens(1)
    return undefined
  }
}

function isFull(tally: Tally, name: string, limit: number): boolean {
  return limit > 0 && tally.of(name) >= limit
}
