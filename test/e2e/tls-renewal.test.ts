import { copyFileSync, readFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import { type TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../support/connect.ts'
import { textsOf } from '../support/position.ts'
import { request } from '../support/request.ts'
import { startTlsHub } from '../support/tls-hub.ts'
import { waitFor } from '../support/wait.ts'

/** Whose certificate the port shows to a new connection. */
async function showAt(port: number, authority: string): Promise<string> {
  const socket = connect(port, authority) as TLSSocket
  onTestFinished(() => {
    socket.destroy()
  })
  await waitFor('the handshake', () => socket.authorized)
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

const fingerprintOf = (path: string) => new X509Certificate(readFileSync(path)).fingerprint256

test('a renewed certificate is shown to new connections on both ports; open streams go on', async () => {
  const { hub, authority, files, open } = await startTlsHub({ PIAZZA_INTERNAL_PORT: '0' })
  const { pem } = authority
  const stream = await open('/channels/a')
  await stream.waitForEvents(1)
  const ports = [hub.port, hub.internalPort]
  for (const port of ports) expect(await showAt(port, pem)).toBe(fingerprintOf(files.cert))

  const next = authority.issue('next', 30)
  copyFileSync(next.key, files.key)
  await waitFor('the refusal', () => hub.log.some((line) => line.includes('the old one is kept')))
  expect(await showAt(hub.port, pem)).toBe(fingerprintOf(files.cert))
  copyFileSync(next.cert, files.cert)
  await waitFor('the renewal', () => hub.log.some((line) => line.includes('read again"')))
  for (const port of ports) expect(await showAt(port, pem)).toBe(fingerprintOf(next.cert))

  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ channel: 'a', data: 'after' })
  const published = await request(hub.internalPort, 'POST', '/publish', headers, body, pem)
  expect(published.status).toBe(201)
  await stream.waitForMessages(1)
  expect(textsOf(stream)).toEqual(['after'])
  const { text } = await request(hub.internalPort, 'GET', '/metrics', {}, '', pem)
  expect(text).toMatch(/^piazza_tls_certificate_failures_total 1$/m)
  const expiresAt = Date.parse(new X509Certificate(readFileSync(next.cert)).validTo) / 1000
  const [, told] = /^piazza_tls_certificate_expiry_timestamp_seconds (.+)$/m.exec(text) ?? []
  expect(Number(told)).toBe(expiresAt)
}, 30_000)
