import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { type LaunchedRedis, launchRedis } from './launched-redis.ts'
import { waitFor } from './wait.ts'

/** A master, a replica and three sentinels, that end with the test. */
export interface SentinelSetup {
  /** As `PIAZZA_REDIS_SENTINELS` takes them. */
  readonly sentinels: string
  /** Everything the master has, the replica has. */
  waitForReplica(): Promise<void>
  /** SIGKILL, as soon as the sentinels know a replica that can take its place. Of the last `replicaLagMs` it was told nothing. */
  killMaster(replicaLagMs?: number): Promise<void>
  /** After `killMaster`: waits for the new master, and gives it a replica. */
  replaceMaster(): Promise<void>
  /** For a client of the test on the master of the beginning, or of the last `replaceMaster`. */
  readonly client: Redis
}

export interface SentinelOptions {
  readonly sentinelPassword?: string
  readonly redisPassword?: string
}

const QUORUM = 2
const DOWN_AFTER_MS = 1000
const PLAIN = ['save ""', 'repl-diskless-sync-delay 0']

/** A server that runs this hears nothing meanwhile: not of its master either. */
const BUSY = `
local function now() local time = redis.call('TIME') return time[1] * 1000 + time[2] / 1000 end
local endMs = now() + ARGV[1]
while now() < endMs do end
`
/** Until the script has begun. */
const BUSY_MS_BEFORE = 50

/** A line of configuration, where there is a password. */
function withPassword(directive: string, password: string | undefined): string[] {
  return password === undefined ? [] : [`${directive} ${password}`]
}
/** A second failover waits for twice the timeout of the first. */
const FAILOVER_MS = 45_000

function connect(port: number, password?: string): Redis {
  const client = new Redis({ port, host: '127.0.0.1', ...(password && { password }) })
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  return client
}

/** Of names and values in turn. */
function fieldOf(row: readonly string[], name: string): string | undefined {
  return row[row.indexOf(name) + 1]
}

export async function startSentinels({
  sentinelPassword,
  redisPassword,
}: SentinelOptions = {}): Promise<SentinelSetup> {
  const directives = [
    ...PLAIN,
    ...withPassword('requirepass', redisPassword),
    ...withPassword('masterauth', redisPassword),
  ]
  const first = await launchRedis(directives)
  const servers = new Map<number, LaunchedRedis>([[first.port, first]])
  const follow = async (port: number) => {
    const server = await launchRedis([...directives, `replicaof 127.0.0.1 ${port}`])
    servers.set(server.port, server)
  }
  await follow(first.port)
  const ports: number[] = []
  for (let i = 0; i < 3; i += 1) {
    const watching = [
      `sentinel monitor mymaster 127.0.0.1 ${first.port} ${QUORUM}`,
      `sentinel down-after-milliseconds mymaster ${DOWN_AFTER_MS}`,
      'sentinel failover-timeout mymaster 5000',
      ...withPassword('requirepass', sentinelPassword),
      ...withPassword('sentinel auth-pass mymaster', redisPassword),
    ]
    ports.push((await launchRedis(watching, '--sentinel')).port)
  }
  const sentinel = connect(ports[0]!, sentinelPassword)
  let master = first.port
  let client = connect(master, redisPassword)
  const areReady = async () => {
    const [row] = (await sentinel.call('SENTINEL', 'masters')) as readonly string[][]
    if (Number(fieldOf(row!, 'num-other-sentinels')) !== 2) return false
    const replicas = await sentinel.call('SENTINEL', 'replicas', 'mymaster')
    return (replicas as readonly string[][]).some((one) => {
      return fieldOf(one, 'flags') === 'slave' && Number(fieldOf(one, 'master-port')) === master
    })
  }
  const waitToBeReady = () =>
    waitFor('the sentinels to know one another and a replica', areReady, 30_000)
  await waitToBeReady()
  const hasReplica = async () => (await client.wait(1, 100)) >= 1
  return {
    sentinels: ports.map((port) => `127.0.0.1:${port}`).join(','),
    waitForReplica: () => waitFor('the replica to have everything', hasReplica),
    killMaster: async (replicaLagMs = 0) => {
      await waitToBeReady()
      if (replicaLagMs > 0) {
        const replica = connect([...servers.keys()].at(-1)!, redisPassword)
        await replica.ping()
        replica.eval(BUSY, 0, replicaLagMs + BUSY_MS_BEFORE).catch(() => {})
        await sleep(BUSY_MS_BEFORE)
        await client.call('CLIENT', 'KILL', 'TYPE', 'replica')
        await sleep(replicaLagMs)
      }
      await servers.get(master)!.kill()
    },
    replaceMaster: async () => {
      await waitFor(
        'another master',
        async () => {
          const address = await sentinel.call('SENTINEL', 'get-master-addr-by-name', 'mymaster')
          const port = Number((address as readonly string[])[1])
          if (port === master) return false
          master = port
          return true
        },
        FAILOVER_MS,
      )
      client.disconnect()
      client = connect(master, redisPassword)
      await waitFor('it to be one', async () => (await client.role())[0] === 'master')
      await follow(master)
      await waitFor('the new replica to have everything', hasReplica, FAILOVER_MS)
    },
    get client() {
      return client
    },
  }
}
