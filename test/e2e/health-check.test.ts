import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { startTlsHub } from '../support/tls-hub.ts'
import { freePort } from '../support/free-port.ts'

/** What the image asks for its health. */
const HEALTH = fileURLToPath(new URL('../../ops/docker/health.mjs', import.meta.url))

/** The exit code of it, with these settings of the hub. */
function check(settings: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [HEALTH], { env: settings, timeout: 5000 })
    child.on('exit', (code) => {
      resolve(code ?? -1)
    })
  })
}

test("the image's health check asks the hub as it listens", async () => {
  const plain = await startHubProcess()
  expect(await check({ PIAZZA_PORT: `${plain.port}` })).toBe(0)
  expect(await check({ PIAZZA_PORT: `${plain.port}`, PIAZZA_HOST: '0.0.0.0' })).toBe(0)
  expect(await check({ PIAZZA_PORT: `${plain.port}`, PIAZZA_HOST: '127.0.0.2' })).toBe(1)
  expect(await check({ PIAZZA_PORT: `${await freePort()}` })).toBe(1)
})

test("the image's health check asks the internal port where there is one", async () => {
  const { hub, files } = await startTlsHub({
    PIAZZA_PUBLISH_KEYS: 'a-key-of-the-health-check',
    PIAZZA_INTERNAL_PORT: '0',
    PIAZZA_INTERNAL_HOST: '127.0.0.2',
    PIAZZA_INTERNAL_TLS: 'off',
  })
  const settings = {
    PIAZZA_PORT: `${await freePort()}`, // nobody is there
    PIAZZA_TLS_CERT_FILE: files.cert,
    PIAZZA_INTERNAL_HOST: '127.0.0.2',
    PIAZZA_INTERNAL_PORT: `${hub.internalPort}`,
  }
  expect(await check({ ...settings, PIAZZA_INTERNAL_TLS: 'off' })).toBe(0)
  expect(await check(settings)).toBe(1) // that would be over TLS
  const publicOnly = { PIAZZA_PORT: `${hub.port}`, PIAZZA_TLS_CERT_FILE: files.cert }
  expect(await check(publicOnly)).toBe(0)
})
