import { formatId } from '../../../src/position.ts'
import { type FaultyProxy } from '../../support/faulty-proxy.ts'
import { type TestRedis } from '../../support/redis.ts'
import { type RedisStore } from '../../support/redis-store.ts'
import { sleep } from './publisher.ts'
import { type Random } from './random.ts'
import { type Replicas } from './replicas.ts'
import { type Acknowledged } from './truth.ts'

/** What may break: each replica has a proxy of its own before the one Redis. */
export interface Stage {
  readonly redis: TestRedis
  readonly proxies: readonly FaultyProxy[]
  readonly replicas: Replicas
}

export interface Announcements {
  readonly store: RedisStore
  readonly channels: readonly string[]
  readonly onStored: (message: Acknowledged) => void
}

/** Breaks something and mends it again. */
export type Fault = (random: Random) => Promise<void>
export type Faults = Readonly<Record<string, Fault>>

const OOM_BYTES = '1'
/** Redis drops a subscriber that has so much waiting. */
const TINY_BUFFER = 'pubsub 16kb 16kb 0'
const USUAL_BUFFER = 'pubsub 32mb 8mb 60'
/** On less than 150 KB/s a page of 256 KiB, which is due in 1.8 s, could not be read back. */
const NARROW_BYTES_PER_SECOND = [200_000, 800_000] as const

/** What Redis and its connections do to a replica, and lose nothing. */
export function connectionFaults({ redis: { client } }: Pick<Stage, 'redis'>): Faults {
  return {
    'kill subscribers': async () => {
      await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes')
    },
    'kill commands': async () => {
      await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    },
    'forget scripts': async () => {
      await client.script('FLUSH')
    },
  }
}

export function lineFaults({ proxies }: Pick<Stage, 'proxies'>): Faults {
  /** One of the lines is so for a while. */
  const spoil = (act: (proxy: FaultyProxy, random: Random) => void, maxMs: number): Fault => {
    return async (random) => {
      const proxy = random.one(proxies)
      act(proxy, random)
      await sleep(random.between(20, maxMs))
      proxy.mend()
    }
  }
  return {
    'cut one': spoil((proxy) => proxy.cut(), 2500),
    'cut all': async (random) => {
      for (const proxy of proxies) proxy.cut()
      await sleep(random.between(20, 1500))
      for (const proxy of proxies) proxy.mend()
    },
    'freeze one': spoil((proxy) => proxy.freeze(), 4000),
    'delay one': spoil((proxy, random) => proxy.delay(random.between(10, 700)), 2500),
    'narrow one': spoil((proxy, random) => {
      proxy.limit(random.between(...NARROW_BYTES_PER_SECOND))
    }, 2500),
    'slice one': spoil((proxy) => proxy.slice(), 1500),
    // until the hub finds it
    'deafen one': async (random) => random.one(proxies).deafen(),
    'half-open subscriber': async (random) => random.one(proxies).halfOpen('subscriber'),
    'half-open commands': async (random) => random.one(proxies).halfOpen('commands'),
  }
}

export function replicaFaults({ replicas }: Pick<Stage, 'replicas'>): Faults {
  return { 'kill a replica': (random) => replicas.kill(random) }
}

/** What Redis answers, or does not. */
export function serverFaults({ redis }: Pick<Stage, 'redis'>): Faults {
  const { client } = redis
  return {
    'restart redis': () => redis.restart(),
    'hang redis': async (random) => {
      await redis.hang()
      await sleep(random.between(200, 4000))
      await redis.goOn()
    },
    'no memory': async (random) => {
      await client.config('SET', 'maxmemory', OOM_BYTES)
      await sleep(random.between(100, 1500))
      await client.config('SET', 'maxmemory', '0')
    },
    'tiny output buffers': async (random) => {
      await client.config('SET', 'client-output-buffer-limit', TINY_BUFFER)
      await sleep(random.between(300, 1500))
      await client.config('SET', 'client-output-buffer-limit', USUAL_BUFFER)
    },
    'read only': async (random) => {
      await client.replicaof('127.0.0.1', 1)
      await sleep(random.between(100, 1500))
      await client.replicaof('NO', 'ONE')
    },
    busy: async (random) => {
      await client.config('SET', 'lua-time-limit', 50)
      const other = client.duplicate()
      other.on('error', () => {})
      await other.ping()
      const isOver = other.eval('while true do end', 0).catch((error: Error) => error.message)
      await sleep(random.between(300, 2000))
      await client.script('KILL')
      if (!String(await isOver).includes('killed')) throw new Error(`busy: ${String(await isOver)}`)
      other.disconnect()
    },
    loading: async (random) => {
      await client.config('SET', 'loading-process-events-interval-bytes', 1024) // meanwhile it answers
      const microseconds = random.between(300, 1500) * 1000
      const perKey = Math.ceil(microseconds / Math.max(1, await client.dbsize()))
      await client.config('SET', 'key-load-delay', perKey)
      await client.call('DEBUG', 'RELOAD')
      await client.config('SET', 'key-load-delay', 0)
    },
  }
}

/** Messages that are stored and that nobody is told of. */
export function announcementFaults({ store, channels, onStored }: Announcements): Faults {
  return {
    'lose an announcement': async (random) => {
      const channel = random.one(channels)
      const data = `unannounced of ${channel} ${random.next()}`
      const id = formatId(await store.storeSilently(channel, data))
      onStored({ id, channels: [channel], data })
    },
  }
}

/** Everything is lost. */
export function emptyingFaults({ redis }: Pick<Stage, 'redis'>): Faults {
  return {
    'restart empty': () => redis.restart({ isEmpty: true }),
    'flush all': async () => {
      await redis.client.flushall()
    },
  }
}

const MIN_PAUSE_MS = 100
const MAX_PAUSE_MS = 1000
/** Only these, by their names. */
const CHOSEN = process.env['CHAOS_FAULTS']?.split(',')

/**
 * One fault after the other, each once before any comes again, until told to stop; everything is whole afterwards. The
 * first is one of those that it is `about`: on a busy machine a short trial has few. Returns their names.
 */
export async function breakAtRandom(
  faults: Faults,
  about: readonly string[],
  random: Random,
  isOver: () => boolean,
): Promise<string[]> {
  const all = Object.keys(faults).filter((name) => CHOSEN?.includes(name) ?? true)
  const names: string[] = []
  const first = all.filter((name) => about.includes(name))
  let left = first.length === 0 ? [] : [random.one(first)]
  while (!isOver()) {
    if (left.length === 0) left = random.shuffle(all)
    const name = left.pop()!
    names.push(name)
    await faults[name]!(random)
    await sleep(random.between(MIN_PAUSE_MS, MAX_PAUSE_MS))
  }
  return names
}
