import { type KeyObject } from 'node:crypto'

/** The output of the hash: RFC 7518 §3.2 forbids shorter secrets. */
const MIN_SECRET_BYTES = { HS256: 32, HS384: 48, HS512: 64 } as const

/** What a key pair can sign with. A secret is never among them: a public key must not be taken for one. */
const OF_KEY_PAIRS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

export type Algorithm = keyof typeof MIN_SECRET_BYTES | (typeof OF_KEY_PAIRS)[number]

export const ALGORITHMS = [...Object.keys(MIN_SECRET_BYTES), ...OF_KEY_PAIRS] as Algorithm[]

export const MIN_SECRET_LENGTH_BYTES = MIN_SECRET_BYTES.HS256
const MIN_RSA_BITS = 2048
const OF_CURVES: Readonly<Record<string, Algorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

/** Those that a secret of this length is long enough for. */
export function algorithmsOfSecret(bytes: number): Algorithm[] {
  const names = Object.keys(MIN_SECRET_BYTES) as (keyof typeof MIN_SECRET_BYTES)[]
  return names.filter((name) => bytes >= MIN_SECRET_BYTES[name])
}

/** Those that a signature by the other half of this key can have; none: it is too weak, or of another kind. */
export function algorithmsOfPublicKey(key: KeyObject): Algorithm[] {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  const isRsa = type === 'rsa' || type === 'rsa-pss'
  if (isRsa && (details?.modulusLength ?? 0) >= MIN_RSA_BITS) {
    const all = OF_KEY_PAIRS.filter((name) => name.startsWith('RS') || name.startsWith('PS'))
    return type === 'rsa' ? all : all.filter((name) => name.startsWith('PS'))
  }
  if (type === 'ed25519') return ['EdDSA', 'Ed25519']
  const algorithm = type === 'ec' ? OF_CURVES[details?.namedCurve ?? ''] : undefined
  return algorithm === undefined ? [] : [algorithm]
}

/** Those that keys of a JWKS may have: whichever it holds. */
export function algorithmsOfKeySet(): Algorithm[] {
  return [...OF_KEY_PAIRS]
}
