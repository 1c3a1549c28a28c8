import { createPublicKey, type KeyObject } from 'node:crypto'
import {
  type Algorithm,
  ALGORITHMS,
  algorithmsOfPublicKey,
  MIN_SECRET_LENGTH_BYTES,
} from '../auth/algorithms.ts'
import { type Pattern, parsePattern } from '../auth/channel-pattern.ts'
import { readPublishKeysFile } from '../auth/publish-keys-file.ts'
import { isPublishKey, PUBLISH_KEY_RULE } from '../auth/publish-keys.ts'
import { parsePemFile } from './redis-address.ts'
import { Invalid, withoutPath } from './setting.ts'

export function parsePublishKey(text: string): string {
  if (isPublishKey(text)) return text
  throw new Invalid(PUBLISH_KEY_RULE)
}

export interface KeysFile {
  readonly path: string
  /** Read at start. */
  readonly keys: readonly string[]
}

export function parseKeysFile(path: string): KeysFile {
  try {
    return { path, keys: readPublishKeysFile(path) }
  } catch (error) {
    throw new Invalid(`the path of a file with one key per line (${withoutPath(error as Error)})`)
  }
}

export function parsePublicPattern(text: string): Pattern {
  const pattern = parsePattern(text)
  if (pattern !== undefined) return pattern
  throw new Invalid('channel names or patterns such as news, scores.* or public.**')
}

export function parseOrigin(text: string): string {
  if (text === '*') return text
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && url.origin === text) return text
  throw new Invalid('* or origins such as https://app.example.com, without a path')
}

/** What anyone may do without a token. */
export interface Anonymous {
  readonly subscribe: boolean
  readonly publish: boolean
}

const ANONYMOUS: ReadonlyMap<string, Anonymous> = new Map([
  ['subscribe', { subscribe: true, publish: false }],
  ['publish,subscribe', { subscribe: true, publish: true }],
  ['subscribe,publish', { subscribe: true, publish: true }],
])

export function parseAnonymous(text: string): Anonymous {
  const rights = ANONYMOUS.get(text)
  if (rights === undefined) throw new Invalid('subscribe, or publish,subscribe')
  return rights
}

export function parseSecret(text: string): string {
  if (Buffer.byteLength(text) >= MIN_SECRET_LENGTH_BYTES) return text
  const right = `a secret of at least ${MIN_SECRET_LENGTH_BYTES} bytes (48 for HS384, 64 for HS512)`
  throw new Invalid(`${right}, for example from: openssl rand -hex 32`)
}

export function parsePublicKeyFile(text: string): KeyObject {
  const right =
    'the path of a PEM file with a public key: RSA of 2048 bits or more, EC (P-256, P-384, P-521) or Ed25519'
  const pem = parsePemFile(text)
  if (pem.includes('PRIVATE KEY-----')) {
    throw new Invalid(
      `${right}; this one is private: the hub does not need it, keep it to yourself`,
    )
  }
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch {
    throw new Invalid(right)
  }
  if (algorithmsOfPublicKey(key).length === 0) throw new Invalid(right)
  return key
}

export function parseKeysUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (url !== undefined && isWeb && url.username === '' && url.password === '') return url
  throw new Invalid('an address such as https://login.example.com/.well-known/jwks.json')
}

export function parseAlgorithm(text: string): Algorithm {
  const found = ALGORITHMS.find((name) => name === text)
  if (found === undefined) throw new Invalid(`some of ${ALGORITHMS.join(', ')}`)
  return found
}

export function parseCookieName(text: string): string {
  if (/^[A-Za-z0-9_.-]{1,64}$/.test(text)) return text
  throw new Invalid('a name of 1 to 64 of A-Z a-z 0-9 _ . -')
}
