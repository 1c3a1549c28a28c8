import { type Metrics } from '../metrics.ts'
import { WatchedFiles } from '../watched-files.ts'
import { type Certificate, type PemFile, readPemFile, toCertificate } from './certificate.ts'

/** Where it tells of certificates. Never of a key. */
export interface CertificateLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface CertificateRenewalOptions {
  /** As they were read at start, and fit together. */
  readonly certFile: PemFile
  readonly keyFile: PemFile
  /** For connections from now on; open ones go on as they are. */
  readonly onCertificate: (certificate: Certificate) => void
  readonly metrics: Metrics
  readonly log: CertificateLog
  readonly pollIntervalMs?: number
}

/**
 * Reads certificate and key again when a file has changed. As long as they are wrong (half written, or of two
 * different renewals) the old ones are kept.
 */
export class CertificateRenewal {
  readonly #options: CertificateRenewalOptions
  readonly #watched: WatchedFiles
  #current: Certificate

  constructor(options: CertificateRenewalOptions) {
    const { certFile, keyFile, metrics, pollIntervalMs } = options
    this.#options = options
    this.#current = toCertificate(certFile.pem, keyFile.pem)
    metrics.observeCertificate(() => this.#current.expiresAtMs / 1000)
    this.#warnIfExpired()
    this.#watched = new WatchedFiles({
      paths: [certFile.path, keyFile.path],
      onChange: () => this.#read(),
      pollIntervalMs,
    })
  }

  close(): void {
    this.#watched.close()
  }

  get current(): Certificate {
    return this.#current
  }

  #read(): void {
    const { certFile, keyFile, onCertificate, metrics, log } = this.#options
    try {
      const read = toCertificate(readPemFile(certFile.path).pem, readPemFile(keyFile.path).pem)
      if (read.cert === this.#current.cert && read.key === this.#current.key) return
      onCertificate(read)
      this.#current = read
      log.info({ expiresAt: new Date(read.expiresAtMs) }, 'certificate read again')
      this.#warnIfExpired()
    } catch (error) {
      metrics.certificateFailures += 1
      const { message } = error as Error
      log.error({ reason: message }, 'certificate could not be read again: the old one is kept')
    }
  }

  #warnIfExpired(): void {
    const { expiresAtMs } = this.#current
    if (expiresAtMs > Date.now()) return
    this.#options.log.warn({ expiredAt: new Date(expiresAtMs) }, 'the certificate has expired')
  }
}
