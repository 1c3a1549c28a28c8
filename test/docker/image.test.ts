import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { docker, readContainerLog, readManifests } from '../support/docker.ts'
import { openStream } from '../support/raw-stream.ts'
import { recordLog, recordSecrets } from '../support/run-record.mjs'
import { waitFor } from '../support/wait.ts'

const IMAGE = `piazza-test:${process.pid}`
const KEY = 'a-publish-key-for-the-test'
const REVISION = '0123456789abcdef0123456789abcdef01234567'
const SOURCE = 'https://example.org/piazza'
const MAX_SIZE_BYTES = 260e6

const { manifest, lock } = readManifests()

beforeAll(async () => {
  const released = ['--build-arg', `REVISION=${REVISION}`, '--build-arg', `SOURCE=${SOURCE}`]
  await docker(['build', '--quiet', '--tag', IMAGE, ...released, '.'])
}, 300_000)
afterAll(async () => {
  await docker(['image', 'rm', '--force', IMAGE])
})

/** A running hub with these settings; returns its container and its port on 127.0.0.1. */
async function runImage(
  settings: Record<string, string>,
  ...options: string[]
): Promise<{ container: string; port: number }> {
  const all = Object.entries({ PIAZZA_PUBLISH_KEYS: KEY, ...settings })
  const env = all.flatMap(([name, value]) => ['--env', `${name}=${value}`])
  const publish = ['--publish', '127.0.0.1:0:8080']
  const container = await docker(['run', '--detach', ...publish, ...env, ...options, IMAGE])
  recordSecrets('key', [KEY])
  onTestFinished(async () => {
    recordLog(await readContainerLog(container))
    await docker(['rm', '--force', container])
  })
  const address = await docker(['port', container, '8080'])
  const port = Number(address.split('\n')[0]!.split(':').at(-1))
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(1000) }).then(
      ({ ok }) => ok,
      () => false,
    )
  await waitFor('the hub in the container', isUp, 30_000)
  return { container, port }
}

test('without access configured the image refuses to start, and says what to set', async () => {
  const publish = ['--publish', '127.0.0.1:0:8080']
  const failed = await docker(['run', '--rm', ...publish, IMAGE]).catch((error: unknown) => error)
  expect(failed).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^piazza: PIAZZA_HOST: .*PIAZZA_PUBLISH_KEYS.*\n$/) as unknown,
  })
}, 60_000)

test('the command line of the hub is that of the image', async () => {
  expect(await docker(['run', '--rm', IMAGE, '--version'])).toBe(manifest.version)
}, 60_000)

test('the image runs as an ordinary user on a read-only root, and drains when it is stopped', async () => {
  const { container, port } = await runImage(
    { PIAZZA_ANONYMOUS: 'subscribe', PIAZZA_DRAIN_TIME: '1s' },
    '--read-only',
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges',
  )
  expect(await docker(['exec', container, 'id', '-u'])).toBe('1000')
  expect(await docker(['inspect', '--format', '{{.Config.User}}', IMAGE])).toBe('1000:1000')
  const first = await docker(['exec', container, 'cat', '/proc/1/cmdline'])
  expect(first.split('\0')).toEqual(['node', '/app/dist/main.js', ''])
  const stream = await openStream(port, '/channels/news')
  const published = await fetch(`http://127.0.0.1:${port}/channels/news`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}` },
    body: 'hello',
    signal: AbortSignal.timeout(5000),
  })
  expect(published.status).toBe(201)
  await stream.waitForMessages(1)
  await docker(['stop', '--time', '20', container])
  expect(stream.control('close').map(({ data }) => JSON.parse(data))).toEqual([{ reason: 'drain' }])
  expect(stream.isComplete).toBe(true)
  expect(await docker(['inspect', '--format', '{{.State.ExitCode}}', container])).toBe('0')
}, 120_000)

test.each([
  ['with one port', {}],
  ['with an internal port', { PIAZZA_INTERNAL_PORT: '9090' }],
])(
  'the image tells its health %s',
  async (_name, settings) => {
    const { container } = await runImage(settings, '--read-only', '--health-interval', '1s')
    const health = () => docker(['inspect', '--format', '{{.State.Health.Status}}', container])
    await waitFor('healthy', async () => (await health()) === 'healthy', 30_000)
    const elsewhere = ['exec', '--env', 'PIAZZA_INTERNAL_PORT=9', container, 'node', 'health.mjs']
    await expect(docker(elsewhere)).rejects.toMatchObject({ code: 1 })
  },
  120_000,
)

describe('the image', () => {
  test('is labelled', async () => {
    const labels = await docker(['inspect', '--format', '{{json .Config.Labels}}', IMAGE])
    expect(JSON.parse(labels)).toEqual({
      'org.opencontainers.image.title': manifest.name,
      'org.opencontainers.image.description': manifest.description,
      'org.opencontainers.image.licenses': manifest.license,
      'org.opencontainers.image.version': manifest.version,
      'org.opencontainers.image.revision': REVISION,
      'org.opencontainers.image.source': SOURCE,
    })
  })

  test('is small', async () => {
    const bytes = Number(await docker(['inspect', '--format', '{{.Size}}', IMAGE]))
    expect(bytes).toBeLessThan(MAX_SIZE_BYTES)
  })

  test('has what runs and its licenses, and nothing of development', async () => {
    const all = await docker(['run', '--rm', '--entrypoint', 'find', IMAGE, '/app', '-type', 'f'])
    const files = all.split('\n').map((path) => path.slice('/app/'.length))
    expect(files).toContain('dist/broker/redis/scripts/publish.lua')
    expect(new Set(files.map((path) => path.split('/', 1)[0]))).toEqual(
      new Set(['LICENSE', 'dist', 'health.mjs', 'node_modules', 'package.json']),
    )
    const needless = /(?<!licen[cs]e)\.(?:m?ts|cts|map|md)$|\/(?:tests?|benchmarks?|examples?)\//i
    expect(files.filter((path) => needless.test(path))).toEqual([])
    const packages = Object.keys(lock.packages).filter((path) => path !== '' && !isDev(path))
    const found = packages.filter((path) => files.includes(`${path}/package.json`))
    expect(found.sort()).toEqual(packages.sort())
    const others = files.filter((path) => path.startsWith('node_modules/')).filter(isOfDev)
    expect(others).toEqual([])
    const which = ['--entrypoint', 'sh', IMAGE, '-c', 'command -v npm npx tsc curl || true']
    expect(await docker(['run', '--rm', ...which])).toBe('')
  }, 60_000)
})

test('packages are the same on every platform: the Dockerfile installs them on one for all', () => {
  const locked = Object.entries(lock.packages).filter(([path]) => path !== '' && !isDev(path))
  expect(locked.length).toBeGreaterThan(20)
  const others = locked.filter(([, one]) => one.cpu ?? one.os ?? one.hasInstallScript)
  expect(others.map(([path]) => path)).toEqual([])
})

function isDev(path: string): boolean {
  return lock.packages[path]?.dev === true
}

/** Whether a file is in a package that only development needs. */
function isOfDev(file: string): boolean {
  return Object.keys(lock.packages).some((path) => isDev(path) && file.startsWith(`${path}/`))
}
