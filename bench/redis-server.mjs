import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endingWithUs } from './ending-with-us.mjs'
import { freePort } from './free-port.mjs'
import { sleep } from './load/sleep.mjs'
import { onPath } from './on-path.mjs'

/** Runs `use({ port, runId })` with a Redis that keeps nothing on disk. It shares core 1 with the load. */
export async function withRedis(use) {
  if (onPath('redis-server') === undefined) {
    throw new Error('there is no redis-server on PATH: install it (Debian: redis-server)')
  }
  const port = String(await freePort())
  const directory = await mkdtemp(join(tmpdir(), 'piazza-bench-'))
  const settings = ['--port', port, '--save', '', '--dir', directory]
  const [command, ...args] = endingWithUs(['redis-server', ...settings])
  const redis = spawn(command, args, { stdio: 'ignore' })
  try {
    return await use({ port, runId: await runIdOf(port) })
  } finally {
    redis.kill('SIGKILL')
    await rm(directory, { recursive: true })
  }
}

async function runIdOf(port) {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const { stdout } = spawnSync('redis-cli', ['-p', port, 'INFO', 'server'], {
      encoding: 'latin1',
    })
    const runId = /run_id:(\w+)/.exec(stdout)?.[1]
    if (runId !== undefined) return runId
    await sleep(100)
  }
  throw new Error('Redis did not answer for 5 s')
}
