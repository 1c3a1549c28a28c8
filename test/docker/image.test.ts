import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openStream } from '../support/raw-stream.ts'
import { recordLog, recordSecrets } from '../support/run-record.mjs'
import { waitFor } from '../support/wait.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const IMAGE = `piazza-test:${process.pid}`
const KEY = 'a-publish-key-for-the-test'

const docker = async (...args: string[]): Promise<string> => {
  const { stdout } = await run('docker', args, { cwd: ROOT })
  return stdout.trim()
}

beforeAll(async () => {
  await docker('build', '--quiet', '--tag', IMAGE, '.')
}, 300_000)
afterAll(async () => {
  await docker('image', 'rm', '--force', IMAGE)
})

/** A running hub; returns its container and its port on 127.0.0.1. */
async function runImage(...options: string[]): Promise<{ container: string; port: number }> {
  const container = await docker(
    'run',
    '--detach',
    '--publish',
    '127.0.0.1:0:8080',
    ...options,
    IMAGE,
  )
  recordSecrets('key', [KEY])
  onTestFinished(async () => {
    const { stdout, stderr } = await run('docker', ['logs', container])
    recordLog(stdout + stderr)
    await docker('rm', '--force', container)
  })
  const address = await docker('port', container, '8080')
  const port = Number(address.split('\n')[0]!.split(':').at(-1))
  const isUp = () =>
    fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1000) }).then(
      ({ ok }) => ok,
      () => false,
    )
  await waitFor('the hub in the container', isUp, 30_000)
  return { container, port }
}

test('without access configured the image refuses to start, and says what to set', async () => {
  const failed = await run('docker', ['run', '--rm', IMAGE]).catch((error: unknown) => error)
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('PIAZZA_PUBLISH_KEYS') })
}, 60_000)

test('the image runs as an ordinary user on a read-only root, and drains when it is stopped', async () => {
  const { container, port } = await runImage(
    '--read-only',
    '--env',
    `PIAZZA_PUBLISH_KEYS=${KEY}`,
    '--env',
    'PIAZZA_ANONYMOUS=subscribe',
    '--env',
    'PIAZZA_DRAIN_TIME=1s',
  )
  expect(await docker('exec', container, 'id', '-u')).toBe('1000')
  const stream = await openStream(port, '/channels/news')
  const published = await fetch(`http://127.0.0.1:${port}/channels/news`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}` },
    body: 'hello',
    signal: AbortSignal.timeout(5000),
  })
  expect(published.status).toBe(201)
  await stream.waitForMessages(1)
  await docker('stop', '--timeout', '20', container)
  expect(stream.control('close').map(({ data }) => JSON.parse(data))).toEqual([{ reason: 'drain' }])
  expect(stream.isComplete).toBe(true)
  expect(await docker('inspect', '--format', '{{.State.ExitCode}}', container)).toBe('0')
}, 120_000)

test('the image tells its health', async () => {
  const { container } = await runImage(
    '--env',
    `PIAZZA_PUBLISH_KEYS=${KEY}`,
    '--health-interval',
    '1s',
  )
  const health = () => docker('inspect', '--format', '{{.State.Health.Status}}', container)
  await waitFor('healthy', async () => (await health()) === 'healthy', 30_000)
}, 120_000)
