import { toCertificate } from '../tls/certificate.ts'
import { type Config, type SettingName } from './settings.ts'

export function findListenContradictions(
  config: Config,
  areValid: (...names: SettingName[]) => boolean,
): string[] {
  const found: string[] = []
  if (areValid('PIAZZA_PORT', 'PIAZZA_INTERNAL_PORT')) {
    found.push(...findPortContradictions(config))
  }
  if (areValid('PIAZZA_TLS_CERT_FILE', 'PIAZZA_TLS_KEY_FILE')) {
    found.push(...findTlsContradictions(config))
  }
  return found
}

function findPortContradictions(config: Config): string[] {
  const { PIAZZA_PORT: port, PIAZZA_INTERNAL_PORT: internalPort } = config
  if (internalPort === undefined) {
    const about: SettingName[] = []
    if (config.PIAZZA_INTERNAL_HOST !== undefined) about.push('PIAZZA_INTERNAL_HOST')
    if (config.PIAZZA_INTERNAL_TLS === 'off') about.push('PIAZZA_INTERNAL_TLS')
    return about.map((name) => `${name}: it says nothing without PIAZZA_INTERNAL_PORT; set it too.`)
  }
  if (internalPort !== port || port === 0) return []
  return [
    `PIAZZA_INTERNAL_PORT: it is the public port (PIAZZA_PORT, ${port}); take another, such as ${port + 1}.`,
  ]
}

function findTlsContradictions(config: Config): string[] {
  const { PIAZZA_TLS_CERT_FILE: certFile, PIAZZA_TLS_KEY_FILE: keyFile } = config
  if (certFile === undefined && keyFile === undefined) {
    const { PIAZZA_INTERNAL_TLS: internalTls, PIAZZA_INTERNAL_PORT: port } = config
    if (internalTls === 'on' || port === undefined) return []
    return ['PIAZZA_INTERNAL_TLS: it says nothing without PIAZZA_TLS_CERT_FILE; leave it out.']
  }
  if (certFile === undefined) {
    return ['PIAZZA_TLS_KEY_FILE: it needs PIAZZA_TLS_CERT_FILE too, its certificate.']
  }
  if (keyFile === undefined) {
    return ['PIAZZA_TLS_CERT_FILE: it needs PIAZZA_TLS_KEY_FILE too, its private key.']
  }
  try {
    toCertificate(certFile.pem, keyFile.pem)
    return []
  } catch (error) {
    return [
      `PIAZZA_TLS_CERT_FILE: ${(error as Error).message}; it takes a certificate in PEM, and PIAZZA_TLS_KEY_FILE its private key without a passphrase.`,
    ]
  }
}
