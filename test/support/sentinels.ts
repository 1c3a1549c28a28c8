import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { launchRedis } from './launched-redis.ts'
import { waitFor } from './wait.ts'

/** A master, a replica and three sentinels, that end with the test. */
export interface SentinelSetup {
  /** As `PIAZZA_REDIS_SENTINELS` takes them. */
  readonly sentinels: string
  /** Everything the master has, the replica has. */
  waitForReplica(): Promise<void>
  killMaster(): Promise<void>
  /** For a client of the test on the master. */
  readonly client: Redis
}

const QUORUM = 2
const DOWN_AFTER_MS = 1000

export async function startSentinels(): Promise<SentinelSetup> {
  const plain = ['save ""', 'repl-diskless-sync-delay 0']
  const master = await launchRedis(plain)
  await launchRedis([...plain, `replicaof 127.0.0.1 ${master.port}`])
  const ports: number[] = []
  for (let i = 0; i < 3; i += 1) {
    const directives = [
      `sentinel monitor mymaster 127.0.0.1 ${master.port} ${QUORUM}`,
      `sentinel down-after-milliseconds mymaster ${DOWN_AFTER_MS}`,
      'sentinel failover-timeout mymaster 5000',
    ]
    ports.push((await launchRedis(directives, '--sentinel')).port)
  }
  const sentinel = new Redis({ port: ports[0]!, host: '127.0.0.1' })
  const client = new Redis({ port: master.port, host: '127.0.0.1' })
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
    killMaster: () => master.kill(),
    client,
  }
}
