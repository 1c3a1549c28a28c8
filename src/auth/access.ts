import { type CodedError, errors, quote } from '../errors.ts'
import { type AccessLog } from './access-log.ts'
import { type Pattern } from './channel-pattern.ts'
import {
  allows,
  allowsAll,
  anonymousGrant,
  type Grant,
  OPEN_GRANT,
  PUBLISH_KEY_GRANT,
  type Right,
} from './grant.ts'
import { PublishKeys } from './publish-keys.ts'
import { PublishKeysFile } from './publish-keys-file.ts'
import { type TokenOptions, Tokens } from './tokens.ts'

export interface AccessOptions {
  readonly publishKeys: readonly string[]
  /** More of them, in a file that may change. */
  readonly publishKeysFile: { readonly path: string; readonly keys: readonly string[] } | undefined
  /** Undefined: there are no tokens but publish keys. */
  readonly tokens: TokenOptions | undefined
  readonly anonymous: { readonly subscribe: boolean; readonly publish: boolean }
  readonly publicChannels: readonly Pattern[]
  /** No access setting was made: everybody on this machine may do everything. */
  readonly isOpen: boolean
  readonly log: AccessLog
}

/** Longer ones are not looked at. A browser keeps cookies of 4 KiB. */
const MAX_TOKEN_CHARACTERS = 6 * 1024

/** Who may do what (protocol §7). */
export class Access {
  readonly isOpen: boolean
  readonly #publishKeys: PublishKeys
  readonly #file: PublishKeysFile | undefined
  readonly #tokens: Tokens | undefined
  readonly #anonymous: Grant

  constructor(options: AccessOptions) {
    const { publishKeys, publishKeysFile: file, tokens, isOpen, log } = options
    this.isOpen = isOpen
    this.#publishKeys = new PublishKeys([...publishKeys, ...(file?.keys ?? [])])
    this.#file =
      file &&
      new PublishKeysFile({
        path: file.path,
        keys: file.keys,
        onKeys: (keys) => this.#publishKeys.replace([...publishKeys, ...keys]),
        log,
      })
    this.#anonymous = isOpen
      ? OPEN_GRANT
      : anonymousGrant(options.anonymous, options.publicChannels)
    this.#tokens = tokens && new Tokens(tokens, this.#anonymous.rights, log)
  }

  /**
   * What a token grants; a promise only where it takes time. Throws, or rejects with, the coded error that says what is
   * wrong with it.
   */
  grantFor(token: string): Grant | Promise<Grant> {
    if (this.isOpen) return this.#anonymous
    if (token.length > MAX_TOKEN_CHARACTERS) {
      const message = `the token has ${token.length} characters, and ${MAX_TOKEN_CHARACTERS} are taken at the most`
      throw new errors.UNAUTHORIZED(message)
    }
    const key = this.#publishKeys.nameOf(token)
    if (key !== undefined) return { ...PUBLISH_KEY_GRANT, holder: `key:${key}` }
    if (this.#tokens !== undefined) return this.#tokens.grantFor(token)
    throw new errors.UNAUTHORIZED('the token is not valid: send one of the publish keys')
  }

  /**
   * What a request without an explicit token may do. A stale cookie counts for nothing: it must not lock a browser
   * out of what anybody may do.
   */
  ambientGrant(cookie: string | undefined): Grant | Promise<Grant> {
    return cookie === undefined ? this.#anonymous : this.#grantForCookie(cookie)
  }

  close(): void {
    this.#file?.close()
  }

  async #grantForCookie(cookie: string): Promise<Grant> {
    try {
      return await this.grantFor(cookie)
    } catch (error) {
      return { ...this.#anonymous, rejected: error as CodedError }
    }
  }
}

/** Throws `FORBIDDEN`, or where a token would help the error of a missing or bad one, naming the channel. */
export function requireRight(grant: Grant, right: Right, channel: string): void {
  requireAnyRight(grant, [right], channel)
}

/** One of the rights is enough; errors name the first. */
export function requireAnyRight(grant: Grant, rights: readonly Right[], channel: string): void {
  if (rights.some((right) => allows(grant, right, channel))) return
  throw refused(grant, rights[0]!, `channel ${quote(channel)}`)
}

/** Some channel must be within reach: an empty answer would hide that a token is missing. */
export function requireRightSomewhere(grant: Grant, right: Right): void {
  if (grant.rights[right].length === 0) throw refused(grant, right, 'any channel')
}

/** For what reaches all channels. */
export function requireRightEverywhere(grant: Grant, right: Right): void {
  if (!allowsAll(grant, right)) throw refused(grant, right, 'all channels')
}

function refused({ isAnonymous, rejected }: Grant, right: Right, what: string): CodedError {
  if (!isAnonymous) {
    const message = `the token does not allow to ${right} ${what}: its claim "piazza.${right}" does not reach it`
    return new errors.FORBIDDEN(message)
  }
  if (rejected !== undefined) return rejected
  return new errors.UNAUTHORIZED(`to ${right} ${what} send a token: Authorization: Bearer <token>`)
}
