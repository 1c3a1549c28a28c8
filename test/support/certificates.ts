import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFolder } from './folder.ts'

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

/** A certificate authority whose files are gone after the test. */
export interface Authority {
  /** Path of its own certificate. */
  readonly file: string
  /** The same, as a client takes it. */
  readonly pem: string
  /** A certificate of its for 127.0.0.1 and localhost, in files of this name in its folder. */
  issue(name: string, days?: number): CertificateFiles
}

export function createAuthority(): Authority {
  const folder = createFolder()
  const pathsOf = (name: string): CertificateFiles => ({
    cert: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key`),
  })
  const own = pathsOf('ca')
  makeCertificate(own, 2, ['-subj', '/CN=test authority'])
  return {
    file: own.cert,
    pem: readFileSync(own.cert, 'utf8'),
    issue: (name, days = 2) => {
      const files = pathsOf(name)
      const names = 'subjectAltName=IP:127.0.0.1,DNS:localhost'
      const subject = ['-subj', `/CN=${name}`, '-addext', names]
      makeCertificate(files, days, [...subject, '-CA', own.cert, '-CAkey', own.key])
      return files
    },
  }
}

function makeCertificate(
  { cert, key }: CertificateFiles,
  days: number,
  more: readonly string[],
): void {
  const fresh = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'.split(' ')
  const out = ['-days', `${days}`, '-keyout', key, '-out', cert]
  execFileSync('openssl', ['req', '-x509', ...fresh, ...out, ...more], { stdio: 'pipe' })
}
