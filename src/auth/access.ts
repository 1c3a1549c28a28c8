import { errors, quote } from '../errors.ts'
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

export interface AccessOptions {
  readonly publishKeys: readonly string[]
  readonly anonymous: { readonly subscribe: boolean; readonly publish: boolean }
  readonly publicChannels: readonly Pattern[]
  /** No access setting was made: everybody on this machine may do everything. */
  readonly isOpen: boolean
}

/** Who may do what (protocol §7). */
export class Access {
  readonly isOpen: boolean
  readonly #publishKeys: PublishKeys
  readonly #anonymous: Grant

  constructor({ publishKeys, anonymous, publicChannels, isOpen }: AccessOptions) {
    this.isOpen = isOpen
    this.#publishKeys = new PublishKeys(publishKeys)
    this.#anonymous = isOpen ? OPEN_GRANT : anonymousGrant(anonymous, publicChannels)
  }

  /** What a token grants. Throws `UNAUTHORIZED` if it is not a good one. */
  grantFor(token: string): Grant {
    if (this.#publishKeys.has(token)) return PUBLISH_KEY_GRANT
    if (this.isOpen) return this.#anonymous
    throw new errors.UNAUTHORIZED('the token is not valid: send one of the publish keys')
  }

  /**
   * What a request without an explicit token may do. A stale cookie counts for nothing: it must not lock a browser
   * out of what anybody may do.
   */
  ambientGrant(cookie: string | undefined): Grant {
    const isGood = cookie !== undefined && this.#publishKeys.has(cookie)
    return isGood ? PUBLISH_KEY_GRANT : this.#anonymous
  }
}

/** Throws `FORBIDDEN`, or `UNAUTHORIZED` where a token would help, naming the channel. */
export function requireRight(grant: Grant, right: Right, channel: string): void {
  requireAnyRight(grant, [right], channel)
}

/** One of the rights is enough; errors name the first. */
export function requireAnyRight(grant: Grant, rights: readonly Right[], channel: string): void {
  if (rights.some((right) => allows(grant, right, channel))) return
  throw refused(grant, `to ${rights[0]} channel ${quote(channel)}`)
}

/** Some channel must be within reach: an empty answer would hide that a token is missing. */
export function requireRightSomewhere(grant: Grant, right: Right): void {
  if (grant.rights[right].length === 0) throw refused(grant, `to ${right} any channel`)
}

/** For what reaches all channels. */
export function requireRightEverywhere(grant: Grant, right: Right): void {
  if (!allowsAll(grant, right)) throw refused(grant, `to ${right} all channels`)
}

function refused({ isAnonymous }: Grant, what: string) {
  if (!isAnonymous) return new errors.FORBIDDEN(`the token does not allow ${what}`)
  return new errors.UNAUTHORIZED(`${what} send a token: Authorization: Bearer <token>`)
}
