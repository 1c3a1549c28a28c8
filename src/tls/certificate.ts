import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'

/** A certificate (with its chain) and its private key, that fit together. */
export interface Certificate {
  /** PEM. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  readonly expiresAtMs: number
}

/** A file as it was read at start. */
export interface PemFile {
  readonly path: string
  readonly pem: string
}

/** Whatever Node was started with. */
const MIN_VERSION = 'TLSv1.2'

/** Throws what is wrong with them, without a word of their content. */
export function toCertificate(cert: string, key: string): Certificate {
  const certificate = attempt('the certificate', () => new X509Certificate(cert))
  const privateKey = attempt('the key', () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error('the key is not that of the certificate')
  }
  const found = { cert, key, expiresAtMs: Date.parse(certificate.validTo) }
  attempt('the certificate or its chain', () => createSecureContext(secureOptionsOf(found)))
  return found
}

/** What a server of TLS is given, and again when the certificate has changed. */
export function secureOptionsOf({ cert, key }: Certificate): SecureContextOptions {
  return { cert, key, minVersion: MIN_VERSION }
}

/** Throws the system's words, or that it is none. */
export function readPemFile(path: string): PemFile {
  const pem = readFileSync(path, 'utf8')
  if (pem.includes('-----BEGIN ')) return { path, pem }
  throw new Error(`${path} is not a PEM file`)
}

/** OpenSSL's words name the fault, never the content. */
function attempt<T>(what: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new Error(`${what} can't be used (${(error as Error).message})`, { cause: error })
  }
}
