import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { startTlsHub } from '../support/tls-hub.ts'
import { freePort } from '../support/free-port.ts'

/** What the image asks for its health. */
function readCommand(): string[] {
  const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')
  const [, json = '[]'] = /^HEALTHCHECK[^[]*\n? *CMD (\[.*\])$/m.exec(dockerfile) ?? []
  return JSON.parse(json) as string[]
}

/** The exit code of it, with these settings of the hub. */
function check(settings: Record<string, string>): Promise<number> {
  const [command, ...args] = readCommand()
  expect(command).toBe('node')
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { env: settings, timeout: 5000 })
    child.on('exit', (code) => {
      resolve(code ?? -1)
    })
  })
}

test("the image's health check asks the hub as it listens", async () => {
  const plain = await startHubProcess()
  expect(await check({ PIAZZA_PORT: `${plain.port}` })).toBe(0)
  const { hub, files } = await startTlsHub({ PIAZZA_INTERNAL_PORT: '0' })
  const overTls = { PIAZZA_PORT: `${hub.port}`, PIAZZA_TLS_CERT_FILE: files.cert }
  expect(await check(overTls)).toBe(0)
  expect(await check({ PIAZZA_PORT: `${await freePort()}` })).toBe(1)
})
