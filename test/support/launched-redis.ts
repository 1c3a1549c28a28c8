import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { GenericContainer } from 'testcontainers'
import { onTestFinished } from 'vitest'
import { createFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { waitForRedis } from './redis-answers.ts'
import { DEFAULT_IMAGE } from './redis.ts'

/** A server that ends with the test, if it was not killed before. */
export interface LaunchedRedis {
  readonly port: number
  /** SIGKILL. */
  kill(): Promise<void>
}

/**
 * Runs `redis-server` with this configuration, a directive in each line, and on the command line what `args` say. In a
 * container it has the host's network: servers that tell of one another must have one address for all.
 */
export async function launchRedis(
  directives: readonly string[],
  ...args: readonly string[]
): Promise<LaunchedRedis> {
  const port = await freePort()
  const config = [`port ${port}`, 'bind 127.0.0.1', ...directives].join('\n')
  const script = `printf '%s\\n' "$0" > own.conf && exec redis-server ./own.conf "$@"`
  const isContained = process.env['TEST_DOCKER'] === '1'
  const kill = await (isContained ? runContained : runHere)(['-c', script, config, ...args])
  onTestFinished(kill)
  await waitForRedis(port)
  return { port, kill }
}

type Kill = () => Promise<void>

async function runContained(command: readonly string[]): Promise<Kill> {
  const container = await new GenericContainer(DEFAULT_IMAGE)
    .withNetworkMode('host')
    .withEntrypoint(['sh'])
    .withCommand([...command])
    .start()
  let isRunning = true
  return async () => {
    if (!isRunning) return
    isRunning = false
    await container.stop({ timeout: 0 })
  }
}

async function runHere(command: readonly string[]): Promise<Kill> {
  const server = spawn('sh', [...command], { stdio: 'ignore', cwd: createFolder() })
  const hasEnded = once(server, 'exit')
  return async () => {
    server.kill('SIGKILL')
    await hasEnded
  }
}
