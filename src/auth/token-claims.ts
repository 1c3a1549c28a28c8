import { errors, quote } from '../errors.ts'
import { type Pattern, parsePattern } from './channel-pattern.ts'
import { type Right, type Rights } from './grant.ts'

/** The claim of a JWT that says what it allows (protocol §7). */
const CLAIM = 'piazza'
const RIGHTS: readonly Right[] = ['subscribe', 'publish', 'inspect']
/** Each name of a request is compared with all of them. */
const MAX_PATTERNS = 100
const MAX_SUBJECT_CHARACTERS = 256

/** What a payload allows. Without the claim that is nothing. Throws `TOKEN_CLAIMS_INVALID`. */
export function readRights(payload: Readonly<Record<string, unknown>>): Rights {
  const claim = payload[CLAIM] ?? {}
  if (typeof claim !== 'object' || Array.isArray(claim)) {
    throw invalid(`claim "${CLAIM}" is ${quote(claim)}; it takes {"subscribe":["orders.*"]}`)
  }
  const unknown = Object.keys(claim).find((name) => !(RIGHTS as readonly string[]).includes(name))
  if (unknown !== undefined) {
    throw invalid(`claim "${CLAIM}" has no ${quote(unknown)}; it takes ${RIGHTS.join(', ')}`)
  }
  const lists: Partial<Record<Right, unknown>> = claim
  return {
    subscribe: readPatterns('subscribe', lists.subscribe),
    publish: readPatterns('publish', lists.publish),
    inspect: readPatterns('inspect', lists.inspect),
  }
}

/** Whose token it is; undefined: it does not say. Throws `TOKEN_CLAIMS_INVALID`. */
export function readSubject({ sub }: Readonly<Record<string, unknown>>): string | undefined {
  if (sub === undefined) return undefined
  if (typeof sub === 'string' && sub.length <= MAX_SUBJECT_CHARACTERS) return sub
  throw invalid(`claim "sub" takes a string of at most ${MAX_SUBJECT_CHARACTERS} characters`)
}

function readPatterns(right: Right, list: unknown): Pattern[] {
  const where = `claim "${CLAIM}.${right}"`
  if (list === undefined) return []
  if (!Array.isArray(list)) {
    throw invalid(`${where} is ${quote(list)}; it takes a list such as ["orders.*"]`)
  }
  if (list.length > MAX_PATTERNS) {
    throw invalid(`${where} takes ${MAX_PATTERNS} names and patterns, not ${list.length}`)
  }
  return list.map((text: unknown) => {
    const pattern = typeof text === 'string' ? parsePattern(text) : undefined
    if (pattern !== undefined) return pattern
    const taken = 'it takes channel names, and patterns such as orders.* or orders.**'
    throw invalid(`${where} has ${quote(text)}; ${taken}`)
  })
}

function invalid(message: string) {
  return new errors.TOKEN_CLAIMS_INVALID(`the token can't be used: its ${message}`)
}
