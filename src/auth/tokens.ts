import { createHash, createSecretKey, type KeyObject } from 'node:crypto'
import {
  decodeProtectedHeader,
  errors as jose,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
} from 'jose'
import { LRUCache } from 'lru-cache'
import { type CodedError, errors, quote } from '../errors.ts'
import { type AccessLog } from './access-log.ts'
import {
  type Algorithm,
  algorithmsOfKeySet,
  algorithmsOfPublicKey,
  algorithmsOfSecret,
} from './algorithms.ts'
import { type Grant, type Rights } from './grant.ts'
import { RemoteKeys } from './remote-keys.ts'
import { readRights, readSubject } from './token-claims.ts'

/** How tokens are verified: by one of the three kinds of key. */
export interface TokenOptions {
  readonly key:
    | { readonly secret: string }
    | { readonly publicKey: KeyObject }
    | { readonly jwksUrl: URL }
  /** Only these; none: all that fit the key. */
  readonly algorithms: readonly Algorithm[]
  readonly issuer: string | undefined
  readonly audience: string | undefined
  /** So much may the clocks differ. */
  readonly toleranceMs: number
  readonly isExpRequired: boolean
}

type Verify = (token: string) => Promise<JWTPayload>

/**
 * Verifying a token costs 0.2 to 0.3 ms of CPU, finding it here 0.01 (bench/tokens.mjs), and publishers send one again and
 * again. Kept are digests and what they grant.
 */
const MAX_KEPT_GRANTS = 1000
/** Then the key is looked for again: it may not be listed any more. */
const KEPT_MS = 60_000

/** JSON web tokens (protocol §7). */
export class Tokens {
  readonly #verify: Verify
  readonly #anyone: Rights
  readonly #toleranceMs: number
  readonly #kept = new LRUCache<string, Grant>({ max: MAX_KEPT_GRANTS, ttl: KEPT_MS })
  #keysVersion = 0

  /** `anyone`: what is allowed without a token, and so with each. */
  constructor(options: TokenOptions, anyone: Rights, log: AccessLog) {
    this.#anyone = anyone
    this.#toleranceMs = options.toleranceMs
    this.#verify = createVerify(options, log, () => this.#forget())
  }

  /** Throws the coded error that says what is wrong with it. */
  async grantFor(token: string): Promise<Grant> {
    const name = createHash('sha256').update(token).digest('base64')
    const kept = this.#kept.get(name)
    const keysVersion = this.#keysVersion
    const grant = kept ?? (await this.#read(token, name))
    const nowMs = Date.now()
    const { endsAtMs } = grant
    if (nowMs >= endsAtMs + this.#toleranceMs) throw expired(endsAtMs)
    // not if other keys came meanwhile: the one it was verified by may be gone
    if (kept === undefined && keysVersion === this.#keysVersion) this.#kept.set(name, grant)
    // within the tolerance it is as good as before, and must end as well
    return nowMs < endsAtMs ? grant : { ...grant, endsAtMs: endsAtMs + this.#toleranceMs }
  }

  #forget(): void {
    this.#keysVersion += 1
    this.#kept.clear()
  }

  async #read(token: string, name: string): Promise<Grant> {
    let payload: JWTPayload
    try {
      payload = await this.#verify(token)
    } catch (error) {
      throw describe(error as Error, token)
    }
    const { subscribe, publish, inspect } = readRights(payload)
    const subject = readSubject(payload)
    return {
      scope: subject === undefined ? 'token' : `sub:${subject}`,
      holder: subject === undefined ? `token:${name}` : `sub:${subject}`,
      isAnonymous: false,
      rights: {
        subscribe: [...subscribe, ...this.#anyone.subscribe],
        publish: [...publish, ...this.#anyone.publish],
        inspect,
      },
      endsAtMs: payload.exp === undefined ? Number.POSITIVE_INFINITY : payload.exp * 1000,
    }
  }
}

function createVerify(options: TokenOptions, log: AccessLog, onChange: () => void): Verify {
  const { key, algorithms, issuer, audience, toleranceMs, isExpRequired } = options
  const rules = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
    clockTolerance: toleranceMs / 1000,
    requiredClaims: isExpRequired ? ['exp'] : [],
  }
  const allowed = (fitting: Algorithm[]) =>
    algorithms.length === 0 ? fitting : fitting.filter((name) => algorithms.includes(name))
  if ('secret' in key) {
    const secret = createSecretKey(key.secret, 'utf8')
    const all = { ...rules, algorithms: allowed(algorithmsOfSecret(secret.symmetricKeySize ?? 0)) }
    return async (token) => (await jwtVerify(token, secret, all)).payload
  }
  if ('publicKey' in key) {
    const all = { ...rules, algorithms: allowed(algorithmsOfPublicKey(key.publicKey)) }
    return async (token) => (await jwtVerify(token, key.publicKey, all)).payload
  }
  const all = { ...rules, algorithms: allowed(algorithmsOfKeySet()) }
  const keys = new RemoteKeys({ url: key.jwksUrl, log, onChange })
  keys.start()
  const find: JWTVerifyGetKey = (header, jws) => keys.find(header, jws)
  return async (token) => (await jwtVerify(token, find, all)).payload
}

function expired(endsAtMs: number): CodedError {
  const time = new Date(endsAtMs)
  const when = Number.isNaN(time.getTime()) ? 'long ago' : `at ${time.toISOString()}`
  return new errors.TOKEN_EXPIRED(`the token expired ${when}: get a new one`)
}

const CLAIMS: Readonly<Record<string, string>> = {
  exp: 'it must say when it expires (claim "exp", seconds since 1970)',
  nbf: 'it is not valid yet (claim "nbf", seconds since 1970)',
  iss: 'claim "iss" is not the issuer that PIAZZA_JWT_ISSUER names',
  aud: 'claim "aud" does not name the audience of PIAZZA_JWT_AUDIENCE',
}

/** What is wrong with a token, without repeating it. */
function describe(error: Error, token: string): CodedError {
  if (error instanceof errors.KEYS_UNAVAILABLE) return error
  if (error instanceof jose.JWTExpired) return expired(Number(error.payload.exp) * 1000)
  return new errors.UNAUTHORIZED(`the token is not valid: ${describeFault(error, token)}`)
}

function describeFault(error: Error, token: string): string {
  if (error instanceof jose.JWTClaimValidationFailed) {
    return CLAIMS[error.claim] ?? `claim ${quote(error.claim)} is wrong`
  }
  if (error instanceof jose.JOSEAlgNotAllowed) {
    const { alg } = decodeProtectedHeader(token)
    return `it is signed by the algorithm ${quote(alg)}, which is not taken here`
  }
  if (error instanceof jose.JWSSignatureVerificationFailed) {
    return 'its signature does not fit the key'
  }
  if (error instanceof jose.JWKSNoMatchingKey) {
    return 'the key that it names ("kid") is not among those of PIAZZA_JWT_JWKS_URL'
  }
  if (error instanceof jose.JWKSMultipleMatchingKeys) {
    return 'it must name its key ("kid"): several would fit'
  }
  return 'it is neither a publish key nor a JSON web token that can be verified'
}
