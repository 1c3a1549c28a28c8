import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Metrics } from '../../src/metrics.ts'
import { readPemFile } from '../../src/tls/certificate.ts'
import { CertificateRenewal } from '../../src/tls/certificate-renewal.ts'
import { type CertificateFiles, createAuthority } from '../support/certificates.ts'
import { createFolder } from '../support/folder.ts'
import { passTime } from '../support/position.ts'
import { waitFor } from '../support/wait.ts'

const POLL_INTERVAL_MS = 20
const read = (path: string) => readFileSync(path, 'utf8')

/** What is logged, into these lines. */
const said = (lines: string[]) => (fields: object, message: string) => {
  lines.push(`${message} ${JSON.stringify(fields)}`)
}

/** Follows these files; tells what came of it. */
function follow({ cert, key }: CertificateFiles) {
  const metrics = new Metrics()
  const seen = { certs: [] as string[], infos: [] as string[], errors: [] as string[], metrics }
  const renewal = new CertificateRenewal({
    certFile: readPemFile(cert),
    keyFile: readPemFile(key),
    onCertificate: (certificate) => seen.certs.push(certificate.cert),
    metrics,
    log: { info: said(seen.infos), warn: said(seen.errors), error: said(seen.errors) },
    pollIntervalMs: POLL_INTERVAL_MS,
  })
  onTestFinished(() => renewal.close())
  return seen
}

/** A pair in use, and the pair that is to come into its place. */
function createPairs() {
  const authority = createAuthority()
  const [inUse, next] = [authority.issue('in-use', 2), authority.issue('next', 30)]
  return { inUse, next }
}

const valueOf = async (metrics: Metrics, name: string) => {
  const text = await metrics.registry.getSingleMetricAsString(name)
  return Number(text.trim().split(' ').at(-1))
}

test('files that are written anew are taken, told and measured', async () => {
  const { inUse, next } = createPairs()
  const seen = follow(inUse)
  const expiry = () => valueOf(seen.metrics, 'piazza_tls_certificate_expiry_timestamp_seconds')
  const before = await expiry()
  copyFileSync(next.key, inUse.key)
  copyFileSync(next.cert, inUse.cert)
  await waitFor('the new certificate', () => seen.certs.length > 0)
  expect(seen.certs).toEqual([read(next.cert)])
  expect(seen.infos).toEqual([expect.stringMatching(/^certificate read again .*expiresAt/)])
  expect((await expiry()) - before).toBeGreaterThan(27 * 86_400)
})

test('a change of the certificate alone is refused until its key has come', async () => {
  const { inUse, next } = createPairs()
  const seen = follow(inUse)
  copyFileSync(next.cert, inUse.cert)
  await waitFor('the refusal', () => seen.errors.length > 0)
  expect(seen.certs).toEqual([])
  expect(seen.errors).toEqual([expect.stringMatching(/old one is kept .*not that of the/)])
  expect(await valueOf(seen.metrics, 'piazza_tls_certificate_failures_total')).toBe(1)
  copyFileSync(next.key, inUse.key)
  await waitFor('the new certificate', () => seen.certs.length > 0)
  expect(seen.certs).toEqual([read(next.cert)])
})

test('a half-written file is refused, and whole taken', async () => {
  const { inUse, next } = createPairs()
  const seen = follow(inUse)
  const whole = read(next.cert)
  copyFileSync(next.key, inUse.key)
  writeFileSync(inUse.cert, whole.slice(0, 300))
  await waitFor('the refusal', () => seen.errors.some((line) => line.includes("can't be used")))
  expect(seen.certs).toEqual([])
  writeFileSync(inUse.cert, whole)
  await waitFor('the new certificate', () => seen.certs.length > 0)
  expect(seen.certs).toEqual([whole])
})

test('files that go away are told once, and those in use stay', async () => {
  const { inUse, next } = createPairs()
  const seen = follow(inUse)
  rmSync(inUse.cert)
  await waitFor('the refusal', () => seen.errors.length > 0)
  expect(seen.errors).toEqual([expect.stringMatching(/ENOENT/)])
  renameSync(next.key, inUse.key)
  renameSync(next.cert, inUse.cert)
  await waitFor('the new certificate', () => seen.certs.length > 0)
  expect(seen.certs).toHaveLength(1)
})

test('a symbolic link that is moved to another folder is noticed, as in a Secret of Kubernetes', async () => {
  const { inUse, next } = createPairs()
  const volume = createFolder()
  const put = (name: string, files: CertificateFiles) => {
    mkdirSync(join(volume, name))
    copyFileSync(files.cert, join(volume, name, 'tls.crt'))
    copyFileSync(files.key, join(volume, name, 'tls.key'))
  }
  put('..1', inUse)
  symlinkSync('..1', join(volume, '..data'))
  const paths = { cert: join(volume, 'tls.crt'), key: join(volume, 'tls.key') }
  symlinkSync('..data/tls.crt', paths.cert)
  symlinkSync('..data/tls.key', paths.key)
  const seen = follow(paths)
  await passTime('the first look, which reads whatever there is', 10 * POLL_INTERVAL_MS)
  put('..2', next)
  symlinkSync('..2', join(volume, '..data_tmp'))
  renameSync(join(volume, '..data_tmp'), join(volume, '..data'))
  await waitFor('the new certificate', () => seen.certs.length > 0)
  expect(seen.certs).toEqual([read(next.cert)])
  expect(seen.errors).toEqual([])
})

test('the same files written again change nothing', async () => {
  const { inUse, next } = createPairs()
  const seen = follow(inUse)
  writeFileSync(inUse.cert, read(inUse.cert))
  writeFileSync(inUse.key, read(inUse.key))
  copyFileSync(next.key, inUse.key)
  await waitFor('a later change', () => seen.errors.length > 0)
  expect(seen.certs).toEqual([])
  expect(seen.infos).toEqual([])
})
