import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createAuthority } from '../support/certificates.ts'
import { createFolder } from '../support/folder.ts'
import { startHub } from '../support/hub.ts'
import { freePort } from '../support/free-port.ts'
import { startRedisProcess } from '../support/redis-process.ts'
import { waitFor } from '../support/wait.ts'

/** Starts `redis-server` with these settings; ended with the test. */
async function startServer(onTestFinished: (end: () => Promise<void>) => void, settings: string[]) {
  const server = await startRedisProcess(settings)
  onTestFinished(() => server.remove())
  return server
}

/** A hub with these settings reaches Redis, and what is published arrives. */
async function expectWorking(settings: Record<string, string>): Promise<void> {
  const hub = await startHub(settings)
  await waitFor('the hub to be ready', async () => (await hub.get('/readyz')).status === 200)
  const id = await hub.send('a', 'x')
  const { json } = await hub.get('/channels/a/history')
  expect(json.messages).toMatchObject([{ id, data: 'x' }])
}

test('a unix socket, and another database', async ({ onTestFinished }) => {
  const path = join(createFolder(), 'redis.sock')
  await startServer(onTestFinished, ['--unixsocket', path])
  await expectWorking({ PIAZZA_REDIS_URL: `unix://${path}?db=3` })
})

test('a password', async ({ onTestFinished }) => {
  const { port } = await startServer(onTestFinished, ['--requirepass', 's3cret'])
  await expectWorking({ PIAZZA_REDIS_URL: `redis://:s3cret@127.0.0.1:${port}` })
})

test('a wrong password: the hub starts, is not ready, and says so without it', async ({
  onTestFinished,
}) => {
  const { port } = await startServer(onTestFinished, ['--requirepass', 's3cret'])
  const hub = await startHub({ PIAZZA_REDIS_URL: `redis://:wr0ng@127.0.0.1:${port}` })
  const { status, json } = await hub.get('/readyz')
  expect({ status, broker: json.checks.broker }).toEqual({ status: 503, broker: 'not reached yet' })
  const refused = await hub.publish({ channel: 'a', data: 'x' })
  expect(refused.status).toBe(503)
  expect(refused.text).not.toContain('wr0ng')
  const stream = await hub.get('/channels/a')
  expect(stream.headers.get('piazza-refused')).toBe('broker')
})

test('TLS with an authority and a client certificate of its own', async ({ onTestFinished }) => {
  const authority = createAuthority()
  const ca = authority.file
  const { cert, key } = authority.issue('redis')
  const tlsPort = await freePort()
  const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', cert, '--tls-key-file', key]
  await startServer(onTestFinished, ['--tls-port', `${tlsPort}`, ...files])
  await expectWorking({
    PIAZZA_REDIS_URL: `rediss://127.0.0.1:${tlsPort}`,
    PIAZZA_REDIS_CA_FILE: ca,
    PIAZZA_REDIS_CERT_FILE: cert,
    PIAZZA_REDIS_KEY_FILE: key,
  })
})
