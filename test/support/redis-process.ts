import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { waitForRedis } from './redis-answers.ts'
import { type RedisServer } from './redis.ts'

/** `redis-server` as a process of the test. */
export async function startRedisProcess(settings: readonly string[]): Promise<RedisServer> {
  const port = await freePort()
  const directory = await mkdtemp(join(tmpdir(), 'piazza-redis-'))
  const args = ['--port', `${port}`, '--dir', directory, '--save', '', '--bind', '127.0.0.1']
  let server: ChildProcess
  const start = async () => {
    server = spawn('redis-server', [...args, ...settings], { stdio: 'ignore' })
    await waitForRedis(port)
  }
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const hasEnded = once(server, 'exit')
    server.kill('SIGKILL')
    await hasEnded
  }
  const remove = async () => {
    await kill()
    await rm(directory, { recursive: true, force: true })
  }
  await start().catch(async (error: Error) => {
    await remove()
    throw error
  })
  return {
    port,
    kill,
    start,
    removeData: () => rm(join(directory, 'appendonlydir'), { recursive: true, force: true }),
    hang: async () => {
      server.kill('SIGSTOP')
    },
    goOn: async () => {
      server.kill('SIGCONT')
    },
    remove,
  }
}
