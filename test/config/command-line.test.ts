import { readFileSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { SETTINGS } from '../../src/config/settings.ts'
import { buildOnce } from '../support/build.ts'
import { runPiazza } from '../support/command-line.ts'

const KEY = 'k3y-0123456789abcdef'
const VERSION = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
).version

beforeAll(buildOnce)

/** Listens on a free port of 127.0.0.1 until the test ends. */
async function occupyPort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

describe('--help', () => {
  test('prints every setting with its default, also while settings are wrong', async () => {
    const { code, stdout, stderr } = await runPiazza(['--help'], { PIAZZA_PORT: 'x' })
    expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
    for (const [name, { defaultText }] of Object.entries(SETTINGS)) {
      const row = stdout.split('\n').find((line) => line.trim().startsWith(`${name} `))
      expect(row).toContain(defaultText)
    }
    for (const option of ['--help', '--version', '--check-config', 'token', 'doctor']) {
      expect(stdout).toContain(option)
    }
  })

  test('is text for a terminal, not Markdown', async () => {
    const { stdout } = await runPiazza(['--help'])
    expect(stdout).not.toMatch(/`|\\\|/)
    expect(stdout.endsWith('\n')).toBe(true)
  })
})

test('--version prints the version of the package', async () => {
  expect(await runPiazza(['--version'])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: [] })
})

describe('--check-config', () => {
  test('exits with 0 if the settings are good', async () => {
    const { code, stderr } = await runPiazza(['--check-config'], { PIAZZA_LOG_LEVEL: 'warn' })
    expect({ code, stderr }).toEqual({ code: 0, stderr: [] })
  })

  test('exits with 1 and one line for each problem, without secrets', async () => {
    const { code, stderr, stdout } = await runPiazza(['--check-config'], {
      PIAZZA_LOG_MAX_AGE: '60',
      PIAZZA_HEARBEAT_INTERVAL: '15s',
      PIAZZA_PUBLISH_KEYS: 'hunter2',
    })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toHaveLength(3)
    for (const name of ['PIAZZA_LOG_MAX_AGE', 'PIAZZA_HEARTBEAT_INTERVAL', 'PIAZZA_PUBLISH_KEYS']) {
      expect(stderr.join('\n')).toContain(name)
    }
    expect(stderr.join('\n')).not.toContain('hunter2')
  })

  test('warns of service links, and exits with 0', async () => {
    const { code, stderr } = await runPiazza(['--check-config'], {
      PIAZZA_PORT: 'tcp://10.0.0.1:8080',
      PIAZZA_SERVICE_HOST: '10.0.0.1',
    })
    expect(code).toBe(0)
    expect(stderr).toEqual([expect.stringContaining('enableServiceLinks: false')])
  })
})

describe('it does not start', () => {
  test.each(['--port=80', '-h', 'serve', '--Help'])(
    'with an option %s that there is not',
    async (option) => {
      const { code, stderr, stdout } = await runPiazza([option])
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toEqual([expect.stringMatching(new RegExp(`${option}.*--help`))])
    },
  )

  test('with settings that are wrong', async () => {
    const { code, stderr } = await runPiazza([], { PIAZZA_PORT: 'http' })
    expect(code).toBe(1)
    expect(stderr).toEqual([expect.stringContaining('PIAZZA_PORT')])
  })

  test('open to the network without access settings', async () => {
    const { code, stderr } = await runPiazza([], { PIAZZA_HOST: '0.0.0.0' })
    expect(code).toBe(1)
    expect(stderr).toEqual([expect.stringContaining('PIAZZA_PUBLISH_KEYS')])
  })

  test('on a port in use: one line says so, and what to do', async () => {
    const port = await occupyPort()
    const { code, stderr } = await runPiazza([], { PIAZZA_PORT: `${port}` })
    expect(code).toBe(1)
    expect(stderr).toEqual([expect.stringMatching(new RegExp(`${port}.*in use.*PIAZZA_PORT`))])
  })

  test('on an internal port in use: one line says so, and names that setting', async () => {
    const port = await occupyPort()
    const settings = { PIAZZA_PORT: '0', PIAZZA_INTERNAL_PORT: `${port}` }
    const { code, stderr } = await runPiazza([], settings)
    expect(code).toBe(1)
    expect(stderr).toEqual([
      expect.stringMatching(new RegExp(`${port}.*in use.*PIAZZA_INTERNAL_PORT`)),
    ])
  })

  test('on an address of another machine: one line says so', async () => {
    const { code, stderr } = await runPiazza([], {
      PIAZZA_HOST: '203.0.113.1',
      PIAZZA_PUBLISH_KEYS: KEY,
    })
    expect(code).toBe(1)
    expect(stderr).toEqual([expect.stringMatching(/203\.0\.113\.1.*PIAZZA_HOST/)])
  })

  test('on a host name that is not known: one line says so', async () => {
    const { code, stderr } = await runPiazza([], {
      PIAZZA_HOST: 'no-such-host.invalid',
      PIAZZA_PUBLISH_KEYS: KEY,
    })
    expect(code).toBe(1)
    expect(stderr).toEqual([expect.stringMatching(/no-such-host\.invalid/)])
  })
})
