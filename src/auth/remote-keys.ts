import {
  createRemoteJWKSet,
  type CryptoKey,
  customFetch,
  errors as jose,
  type FetchImplementation,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
} from 'jose'
import { type CodedError, errors } from '../errors.ts'
import { type AccessLog } from './access-log.ts'

const FETCH_TIMEOUT_MS = 5000
/** Keys that are no longer listed stay good for so long, and for as long as the host is away. */
const MAX_AGE_MS = 600_000
/** Between two fetches, whatever tokens come. */
const COOLDOWN_MS = 10_000
/** The same before the first keys are there: nobody gets in meanwhile. */
const FIRST_COOLDOWN_MS = 1000
const MAX_SET_BYTES = 1024 * 1024

export interface RemoteKeysOptions {
  readonly url: URL
  readonly log: AccessLog
  /** The keys are others: what was verified by the old ones is to be looked at again. */
  readonly onChange: () => void
  readonly cooldownMs?: number
  readonly maxAgeMs?: number
  readonly timeoutMs?: number
}

/**
 * The keys of a JWKS URL. A token is refused for good only if the set was fetched after it came and has no such key:
 * keys that were never fetched, a host that is away and a fetch too soon after the last one are refusals for now.
 * jose fetches and chooses; when is decided here, since jose keeps no distance between fetches that fail.
 */
export class RemoteKeys {
  readonly #log: AccessLog
  readonly #onChange: () => void
  readonly #cooldownMs: number
  readonly #maxAgeMs: number
  readonly #set: ReturnType<typeof createRemoteJWKSet>
  #fetching: Promise<boolean> | undefined
  #fetchedAtMs: number | undefined
  #nextFetchAtMs = 0
  #isAway = false

  constructor(options: RemoteKeysOptions) {
    this.#log = options.log
    this.#onChange = options.onChange
    this.#cooldownMs = options.cooldownMs ?? COOLDOWN_MS
    this.#maxAgeMs = options.maxAgeMs ?? MAX_AGE_MS
    this.#set = createRemoteJWKSet(options.url, {
      timeoutDuration: options.timeoutMs ?? FETCH_TIMEOUT_MS,
      cooldownDuration: Number.POSITIVE_INFINITY,
      cacheMaxAge: Number.POSITIVE_INFINITY,
      [customFetch]: fetchBounded,
    })
  }

  /** Fetches the keys before the first token needs them. */
  start(): void {
    void this.#fetch()
  }

  /** The key that a token is signed with. Throws `KEYS_UNAVAILABLE`, or that there is no such key. */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#fetchedAtMs === undefined) await this.#requireFetch()
    else if (performance.now() - this.#fetchedAtMs > this.#maxAgeMs) void this.#fetch()
    try {
      return await this.#set(header, token)
    } catch (error) {
      if (!(error instanceof jose.JWKSNoMatchingKey)) throw error
      await this.#requireFetch()
      return this.#set(header, token)
    }
  }

  async #requireFetch(): Promise<void> {
    if (!(await this.#fetch())) throw this.#unavailable()
  }

  /** Joins the fetch under way. False: it failed, or it is too early for one. */
  #fetch(): Promise<boolean> {
    if (this.#fetching !== undefined) return this.#fetching
    if (performance.now() < this.#nextFetchAtMs) return Promise.resolve(false)
    this.#fetching = this.#reload()
    return this.#fetching
  }

  async #reload(): Promise<boolean> {
    try {
      await this.#set.reload()
      this.#fetchedAtMs = performance.now()
      if (this.#isAway) this.#log.info({}, 'the keys for tokens were fetched again')
      this.#isAway = false
      this.#onChange()
      return true
    } catch (error) {
      const reason = describe(error as Error)
      if (!this.#isAway) this.#log.warn({ reason }, 'the keys for tokens could not be fetched')
      this.#isAway = true
      return false
    } finally {
      const isFirst = this.#fetchedAtMs === undefined
      const cooldownMs = isFirst ? Math.min(this.#cooldownMs, FIRST_COOLDOWN_MS) : this.#cooldownMs
      this.#nextFetchAtMs = performance.now() + cooldownMs
      this.#fetching = undefined
    }
  }

  #unavailable(): CodedError {
    return new errors.KEYS_UNAVAILABLE(
      this.#fetchedAtMs === undefined
        ? 'no token can be verified yet: the keys of PIAZZA_JWT_JWKS_URL have not been fetched'
        : 'the token can not be verified now: its key is not among those fetched, and they can not be fetched again yet',
    )
  }
}

function describe({ message, cause }: Error): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

/** A set that never ends must not fill the memory. */
const fetchBounded: FetchImplementation = async (url, options) => {
  const { status, body } = await fetch(url, options)
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body ?? []) {
    bytes += part.length
    if (bytes > MAX_SET_BYTES) throw new Error(`the set is larger than ${MAX_SET_BYTES} bytes`)
    parts.push(part)
  }
  return new Response(status === 200 ? Buffer.concat(parts) : null, { status })
}
