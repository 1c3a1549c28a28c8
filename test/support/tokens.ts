import { createHmac, generateKeyPairSync, type KeyObject, sign as signWith } from 'node:crypto'

/** Signs by hand, so that also what no library would sign can be sent. */

export const SECRET = 'a-secret-of-the-tests-0123456789' // 32 bytes
/** Long enough to be signed by HS512, for a hub that must refuse it. */
export const LONG_SECRET = SECRET + SECRET

export interface KeyPair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
  /** PEM. */
  readonly pem: string
}

export function createKeyPair(type: 'rsa' | 'ec' | 'ed25519' = 'ec'): KeyPair {
  const pair =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : type === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519')
  return { ...pair, pem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

export interface HmacOptions {
  readonly secret?: string | Buffer
  readonly alg?: 'HS256' | 'HS384' | 'HS512'
  readonly header?: object
}

/** A token that expires in an hour, unless its claims say otherwise. */
export function signHmac(claims: object, options: HmacOptions = {}): string {
  const { secret = SECRET, alg = 'HS256', header = {} } = options
  const input = encode({ alg, ...header }, { exp: nowSeconds() + 3600, ...claims })
  const mac = createHmac(`sha${alg.slice(2)}`, secret)
    .update(input)
    .digest('base64url')
  return `${input}.${mac}`
}

/** Signed by a private key: ES256, RS256 or EdDSA, as the key is. */
export function signByKey(claims: object, { privateKey }: KeyPair, header = {}): string {
  const type = privateKey.asymmetricKeyType
  const alg = type === 'rsa' ? 'RS256' : type === 'ec' ? 'ES256' : 'EdDSA'
  const input = encode({ alg, ...header }, { exp: nowSeconds() + 3600, ...claims })
  const hash = type === 'ed25519' ? null : 'sha256'
  const signature = signWith(hash, Buffer.from(input), {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return `${input}.${signature.toString('base64url')}`
}

/** `alg: none`, and no signature. */
export function unsigned(claims: object): string {
  return `${encode({ alg: 'none' }, { exp: nowSeconds() + 3600, ...claims })}.`
}

/** A claim that is undefined is left out. */
function encode(header: object, claims: object): string {
  return [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
}
