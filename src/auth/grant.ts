import { type CodedError } from '../errors.ts'
import { matches, type Pattern } from './channel-pattern.ts'

/** What somebody may do with a channel. */
export type Right = 'subscribe' | 'publish' | 'inspect'

export type Rights = Readonly<Record<Right, readonly Pattern[]>>

/** What a request is allowed, and whose it is. */
export interface Grant {
  /** Whose idempotency keys: `''` for publish keys, open mode and anybody. */
  readonly scope: string
  /** Whose limits: which key, which subject, or which token if it has none. Undefined: nobody asked. */
  readonly holder?: string
  /** Nobody asked who they are: a page of another origin must not use it to publish. */
  readonly isAnonymous: boolean
  readonly rights: Rights
  /** A stream lasts no longer, ms since the epoch; Infinity: for ever. */
  readonly endsAtMs: number
  /** Why the cookie that came along gave nothing. */
  readonly rejected?: CodedError
}

const EVERYTHING: readonly Pattern[] = [['**']]
const NOTHING: readonly Pattern[] = []

/** Open mode on loopback (protocol §7). */
export const OPEN_GRANT: Grant = {
  scope: '',
  isAnonymous: true,
  rights: { subscribe: EVERYTHING, publish: EVERYTHING, inspect: EVERYTHING },
  endsAtMs: Number.POSITIVE_INFINITY,
}

export const PUBLISH_KEY_GRANT: Grant = { ...OPEN_GRANT, isAnonymous: false }

/** For requests without a token. */
export function anonymousGrant(
  anonymous: { readonly subscribe: boolean; readonly publish: boolean },
  publicChannels: readonly Pattern[],
): Grant {
  return {
    scope: '',
    isAnonymous: true,
    rights: {
      subscribe: anonymous.subscribe ? EVERYTHING : publicChannels,
      publish: anonymous.publish ? EVERYTHING : NOTHING,
      inspect: NOTHING,
    },
    endsAtMs: Number.POSITIVE_INFINITY,
  }
}

export function allows(grant: Grant, right: Right, channel: string): boolean {
  return grant.rights[right].some((pattern) => matches(pattern, channel))
}

/** Whose streams are counted together; a publish key may have any number. */
export function subjectOf({ scope, holder }: Grant): string | undefined {
  return scope === '' ? undefined : holder
}

/** It reaches every channel. */
export function allowsAll(grant: Grant, right: Right): boolean {
  return grant.rights[right].some((pattern) => pattern[0] === '**')
}
