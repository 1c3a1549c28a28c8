import { execFile } from 'node:child_process'
import http from 'node:http'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { readDocument } from '../docs/markdown.ts'
import { buildOnce } from '../support/build.ts'
import { freePort } from '../support/free-port.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { startHub } from '../support/hub.ts'
import { waitFor } from '../support/wait.ts'

const KEY = 'a-publish-key-of-helm-test'
const INTERNAL = { PIAZZA_INTERNAL_PORT: '0' }

interface Ports {
  readonly port: number
  readonly internalPort: number
}

/** As the pod of `helm test` runs it. */
function publishAndRead({ port, internalPort }: Ports, environment: Record<string, string> = {}) {
  const script = readDocument('helm/piazza/files/publish-and-read.mjs')
  const urls = {
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    INTERNAL_URL: `http://127.0.0.1:${internalPort}`,
  }
  const env = { PATH: process.env['PATH'], ...urls, ...environment }
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
}

test('helm test publishes at the internal port with the first key, reads it back at the public one, and cleans up', async () => {
  const hub = await startHub({ ...INTERNAL, PIAZZA_PUBLISH_KEYS: KEY })
  const { stdout } = await publishAndRead(hub, {
    PUBLISH_KEYS: `\n# the shop's\n${KEY}\nan-older-publish-key\n`,
  })
  expect(stdout).toMatch(/^ready\npublished to helm-test\.\d+\nread back\ndeleted\n$/)
  expect(await hub.metric('piazza_messages_delivered_total')).toBe(1)
  const { json } = await hub.get('/channels', { authorization: `Bearer ${KEY}` })
  expect(json.channels).toEqual([])
})

test('without a key it makes itself a token', async () => {
  await buildOnce()
  const secret = { PIAZZA_JWT_SECRET: 'a-jwt-secret-of-32-bytes-of-helm-test' }
  const hub = await startHub({ ...INTERNAL, ...secret })
  expect((await publishAndRead(hub, secret)).stdout).toContain('read back\n')
})

test('where anyone may publish it needs neither', async () => {
  const hub = await startHub({ ...INTERNAL, PIAZZA_ANONYMOUS: 'publish,subscribe' })
  expect((await publishAndRead(hub)).stdout).toContain('read back\n')
})

test('where tokens are made elsewhere it asks for health only, and says so', async () => {
  const hub = await startHub({ ...INTERNAL, PIAZZA_PUBLISH_KEYS: KEY })
  expect((await publishAndRead(hub, { HEALTH_ONLY: '1' })).stdout).toBe(
    'ready\nnothing was published: the keys of tokens are not here\n',
  )
})

test('it fails with what was answered', async () => {
  const hub = await startHub({ ...INTERNAL, PIAZZA_PUBLISH_KEYS: KEY })
  await expect(publishAndRead(hub, { PUBLISH_KEYS: 'a-key-that-is-wrong' })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/POST .*: 401 .*PIAZZA_ERR_UNAUTHORIZED/) as unknown,
  })
})

test('a sidecar is asked to go at the end, whatever it was', async () => {
  const asked: string[] = []
  const sidecar = http.createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`)
    response.end()
  })
  const port = await freePort()
  await new Promise<void>((resolve) => {
    sidecar.listen(port, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    sidecar.close()
  })
  const hub = await startHub({ ...INTERNAL, PIAZZA_PUBLISH_KEYS: KEY })
  const environment = { SIDECAR_QUIT_URL: `http://127.0.0.1:${port}/quitquitquit` }
  await publishAndRead(hub, { ...environment, PUBLISH_KEYS: KEY })
  expect(asked).toEqual(['POST /quitquitquit'])
  await publishAndRead(hub, { ...environment, HEALTH_ONLY: '1' })
  expect(asked).toHaveLength(2)
  const wrong = publishAndRead(hub, { ...environment, PUBLISH_KEYS: 'a-key-that-is-wrong' })
  await expect(wrong).rejects.toMatchObject({ code: 1 })
  expect(asked).toHaveLength(3)
})

test('it waits for a hub that is still starting', async () => {
  const ports = { port: await freePort(), internalPort: await freePort() }
  const running = publishAndRead(ports)
  let said = ''
  running.child.stdout!.on('data', (part: string) => {
    said += part
  })
  await waitFor('the first attempt', () => said.includes('not ready yet: fetch failed'))
  await startHubProcess({
    PIAZZA_PORT: `${ports.port}`,
    PIAZZA_INTERNAL_PORT: `${ports.internalPort}`,
    PIAZZA_ANONYMOUS: 'publish,subscribe',
  })
  expect((await running).stdout).toContain('read back\n')
})
