import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'
import { waitForRedis } from './redis-answers.ts'
import { waitFor } from './wait.ts'

/** A master, a replica and three sentinels, as processes that end with the test. */
export interface SentinelSetup {
  /** As `PIAZZA_REDIS_SENTINELS` takes them. */
  readonly sentinels: string
  /** Everything the master has, the replica has. */
  waitForReplica(): Promise<void>
  killMaster(): void
}

const QUORUM = 2
const DOWN_AFTER_MS = 1000

export async function startSentinels(): Promise<SentinelSetup> {
  const directory = await mkdtemp(join(tmpdir(), 'piazza-sentinel-'))
  const processes: ChildProcess[] = []
  const launch = async (port: number, ...args: readonly string[]) => {
    const started = spawn('redis-server', [...args], { stdio: 'ignore', cwd: directory })
    processes.push(started)
    await waitForRedis(port)
    return started
  }
  onTestFinished(async () => {
    for (const one of processes) one.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })
  const [masterPort, replicaPort] = [await freePort(), await freePort()]
  const plain = ['--save', '', '--bind', '127.0.0.1', '--repl-diskless-sync-delay', '0']
  const master = await launch(masterPort, '--port', `${masterPort}`, ...plain)
  const replicaOf = ['--replicaof', `127.0.0.1 ${masterPort}`]
  await launch(replicaPort, '--port', `${replicaPort}`, ...plain, ...replicaOf)
  const ports: number[] = []
  for (let i = 0; i < 3; i += 1) {
    const port = await freePort()
    const file = join(directory, `sentinel-${i}.conf`)
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor mymaster 127.0.0.1 ${masterPort} ${QUORUM}`,
      `sentinel down-after-milliseconds mymaster ${DOWN_AFTER_MS}`,
      'sentinel failover-timeout mymaster 5000',
    ]
    await writeFile(file, `${lines.join('\n')}\n`)
    await launch(port, file, '--sentinel')
    ports.push(port)
  }
  const sentinel = new Redis({ port: ports[0]!, host: '127.0.0.1' })
  const client = new Redis({ port: masterPort, host: '127.0.0.1' })
  for (const one of [sentinel, client]) {
    one.on('error', () => {})
    onTestFinished(() => one.disconnect())
  }
  await waitFor(
    'the sentinels to know one another and the replica',
    async () => {
      const [master_] = (await sentinel.call('SENTINEL', 'masters')) as readonly string[][]
      const field = (name: string) => Number(master_![master_!.indexOf(name) + 1])
      return field('num-other-sentinels') === 2 && field('num-slaves') === 1
    },
    30_000,
  )
  return {
    sentinels: ports.map((port) => `127.0.0.1:${port}`).join(','),
    waitForReplica: async () => {
      await waitFor('the replica to have everything', async () => (await client.wait(1, 100)) >= 1)
    },
    killMaster: () => {
      master.kill('SIGKILL')
    },
  }
}
