import { type FaultyProxy } from '../../support/faulty-proxy.ts'
import { type TestRedis } from '../../support/redis.ts'
import { sleep } from './publisher.ts'
import { type Random } from './random.ts'

/** What stands between the replicas and their data: each has a proxy of its own before the one Redis. */
export interface Stage {
  readonly redis: TestRedis
  readonly proxies: readonly FaultyProxy[]
}

/** Breaks something and mends it again. */
type Fault = (stage: Stage, random: Random) => Promise<void>

const OOM_BYTES = '1'
/** Redis drops a subscriber that has so much waiting. */
const TINY_BUFFER = 'pubsub 16kb 16kb 0'
const USUAL_BUFFER = 'pubsub 32mb 8mb 60'

const FAULTS: Readonly<Record<string, Fault>> = {
  'kill subscribers': async ({ redis }) => {
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes')
  },
  'kill commands': async ({ redis }) => {
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  },
  'cut one': async ({ proxies }, random) => {
    const proxy = oneOf(proxies, random)
    proxy.cut()
    await sleep(random.between(20, 2500))
    proxy.mend()
  },
  'cut all': async ({ proxies }, random) => {
    for (const proxy of proxies) proxy.cut()
    await sleep(random.between(20, 1500))
    for (const proxy of proxies) proxy.mend()
  },
  'freeze one': async ({ proxies }, random) => {
    const proxy = oneOf(proxies, random)
    proxy.freeze()
    await sleep(random.between(100, 4000))
    proxy.mend()
  },
  'delay one': async ({ proxies }, random) => {
    const proxy = oneOf(proxies, random)
    proxy.delay(random.between(10, 700))
    await sleep(random.between(300, 2500))
    proxy.mend()
  },
  'deafen one': async ({ proxies }, random) => {
    oneOf(proxies, random).deafen() // until the hub finds it
  },
  'restart redis': async ({ redis }) => {
    await redis.restart()
  },
  'hang redis': async ({ redis }, random) => {
    await redis.hang()
    await sleep(random.between(200, 4000))
    await redis.goOn()
  },
  'no memory': async ({ redis }, random) => {
    await redis.client.config('SET', 'maxmemory', OOM_BYTES)
    await sleep(random.between(100, 1500))
    await redis.client.config('SET', 'maxmemory', '0')
  },
  'tiny output buffers': async ({ redis }, random) => {
    await redis.client.config('SET', 'client-output-buffer-limit', TINY_BUFFER)
    await sleep(random.between(300, 1500))
    await redis.client.config('SET', 'client-output-buffer-limit', USUAL_BUFFER)
  },
  'forget scripts': async ({ redis }) => {
    await redis.client.script('FLUSH')
  },
}

const MIN_PAUSE_MS = 100
const MAX_PAUSE_MS = 1000

/** One fault after the other, until told to stop; everything is whole afterwards. Returns their names. */
export async function breakAtRandom(
  stage: Stage,
  random: Random,
  isOver: () => boolean,
): Promise<string[]> {
  const names: string[] = []
  while (!isOver()) {
    const name = oneOf(Object.keys(FAULTS), random)
    names.push(name)
    await FAULTS[name]!(stage, random)
    await sleep(random.between(MIN_PAUSE_MS, MAX_PAUSE_MS))
  }
  return names
}

function oneOf<T>(items: readonly T[], random: Random): T {
  return items[random.between(0, items.length - 1)]!
}
