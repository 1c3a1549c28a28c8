import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readPemFile, toCertificate } from '../../src/tls/certificate.ts'
import { createAuthority } from '../support/certificates.ts'
import { createFolder, writeFile } from '../support/folder.ts'

const DAY_MS = 86_400_000
const half = (text: string) => text.slice(0, text.length / 2)
const read = (path: string) => readFileSync(path, 'utf8')

describe('a certificate and its key', () => {
  test('tell when they expire', () => {
    const { cert, key } = createAuthority().issue('hub', 3)
    const { expiresAtMs } = toCertificate(read(cert), read(key))
    expect(Math.abs(expiresAtMs - Date.now() - 3 * DAY_MS)).toBeLessThan(60_000)
  })

  test('may come with a chain', () => {
    const authority = createAuthority()
    const { cert, key } = authority.issue('hub')
    const chain = read(cert) + authority.pem
    expect(toCertificate(chain, read(key)).cert).toBe(chain)
  })

  test('of two different certificates are refused', () => {
    const authority = createAuthority()
    const [one, other] = [authority.issue('one'), authority.issue('other')]
    expect(() => toCertificate(read(one.cert), read(other.key))).toThrow(
      /^the key is not that of the certificate$/,
    )
  })

  test('that are half written are refused, without a word of the key', () => {
    const { cert, key } = createAuthority().issue('hub')
    const [whole, secret] = [read(cert), read(key)]
    expect(() => toCertificate(half(whole), secret)).toThrow(/^the certificate can't be used/)
    const ofKey = () => toCertificate(whole, half(secret))
    expect(ofKey).toThrow(/^the key can't be used/)
    for (const line of secret.split('\n').filter((text) => text.length > 10)) {
      expect(ofKey).not.toThrow(line)
    }
  })

  test('whose chain is half written are refused', () => {
    const authority = createAuthority()
    const { cert, key } = authority.issue('hub')
    const chain = read(cert) + authority.pem.slice(0, -60)
    expect(() => toCertificate(chain, read(key))).toThrow(/^the certificate or its chain can't/)
  })

  test('with a passphrase are refused', () => {
    const { cert } = createAuthority().issue('hub')
    const encrypted = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: {
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'secret',
      },
    }).privateKey
    expect(() => toCertificate(read(cert), encrypted)).toThrow(/^the key can't be used/)
  })

  test('of RSA work too', () => {
    const folder = createFolder()
    const [key, cert] = [`${folder}/rsa.key`, `${folder}/rsa.pem`]
    const args = `req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ${key} -out ${cert} -subj /CN=x`
    execFileSync('openssl', args.split(' '), { stdio: 'pipe' })
    expect(toCertificate(read(cert), read(key)).key).toBe(read(key))
  })
})

test('a file that is no PEM file, or is not there, is refused', () => {
  expect(() => readPemFile(writeFile('hello'))).toThrow(/is not a PEM file/)
  expect(() => readPemFile('/nowhere/cert.pem')).toThrow(/ENOENT/)
  const path = writeFile('')
  writeFileSync(path, '-----BEGIN X-----')
  expect(readPemFile(path)).toEqual({ path, pem: '-----BEGIN X-----' })
})
