import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { endingWithUs } from '../ending-with-us.mjs'
import { sleep } from '../load/sleep.mjs'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const START_DEADLINE_MS = 30_000

/** A hub at this port, over the Redis at that one; ready when this resolves. */
export async function startReplica(port, redisPort) {
  const [command, ...args] = endingWithUs([process.execPath, MAIN])
  const hub = spawn(command, args, {
    env: {
      PATH: process.env.PATH,
      PIAZZA_PORT: String(port),
      PIAZZA_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      PIAZZA_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const startedMs = performance.now()
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isReady())) {
    if (hub.exitCode !== null || performance.now() - startedMs > START_DEADLINE_MS) {
      hub.kill('SIGKILL')
      throw new Error(`the hub at ${port} did not become ready`)
    }
    await sleep(50)
  }
  return hub
}

/** As a supervisor does: SIGTERM, then it waits. Gives how long that took. */
export async function stopReplica(hub) {
  const startedMs = performance.now()
  const exit = once(hub, 'exit')
  hub.kill('SIGTERM')
  const [code] = await exit
  if (code !== 0) throw new Error(`a hub ended with ${code}`)
  return performance.now() - startedMs
}
