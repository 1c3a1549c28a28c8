import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startFaultyProxy } from '../../support/faulty-proxy.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { storeOf } from '../../support/redis-store.ts'
import { waitFor } from '../../support/wait.ts'
import { formatId } from '../../../src/position.ts'
import { CHANNELS, SEED, SETTINGS, tryOut } from '../oracle/over-replicas.ts'
import {
  announcementFaults,
  connectionFaults,
  emptyingFaults,
  type Faults,
  lineFaults,
  replicaFaults,
  serverFaults,
} from '../oracle/redis-faults.ts'
import { Replicas } from '../oracle/replicas.ts'
import { type Acknowledged } from '../oracle/truth.ts'

vi.setConfig({ testTimeout: 90_000 }) // outages take their time, and a busy machine more

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 15)
const EMPTYING_SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 6)
const READERS = Number(process.env['CHAOS_READERS'] ?? 300)
const REPLICAS = 3
/** A thousand readers read to the end, and their lives are judged: on a busy machine that takes minutes. */
const END_MS = 120_000 + READERS * 200

let redis: TestRedis

beforeAll(async () => {
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always']
  redis = await startRedis({ settings: [...durable, '--enable-debug-command', 'yes'] })
})

afterAll(() => redis.stop())

async function setUp(prefix: string) {
  const proxies = await Promise.all(
    Array.from({ length: REPLICAS }, () => startFaultyProxy(redis.port)),
  )
  const settings = proxies.map(({ port }) => ({
    ...SETTINGS,
    PIAZZA_REDIS_URL: `redis://127.0.0.1:${port}`,
    PIAZZA_REDIS_PREFIX: prefix,
  }))
  const replicas = await Replicas.start(settings)
  const acknowledged = new Map<string, Acknowledged>()
  return { proxies, replicas, acknowledged, store: storeOf(redis, `{${prefix}}:`) }
}

test(
  `over replicas, whatever breaks, every reader hears every message once and in order, or of a gap (seed ${SEED})`,
  async () => {
    const { proxies, replicas, acknowledged, store } = await setUp('oracle')
    const unannounced = new Set<string>()
    const onStored = (message: Acknowledged) => {
      acknowledged.set(message.id, message)
      unannounced.add(message.id)
    }
    const { heard, faults, late } = await tryOut({
      name: 'oracle over replicas',
      replicas,
      seconds: SECONDS,
      readers: READERS,
      acknowledged,
      faults: {
        ...connectionFaults({ redis }),
        ...lineFaults({ proxies }),
        ...serverFaults({ redis }),
        ...replicaFaults({ replicas }),
        ...announcementFaults({ store, channels: CHANNELS, onStored }),
      },
      losses: () => ({ unannounced }),
    })
    // Redis has lost nothing, and only what was not announced came late
    const gaps = heard.filter((one) => one.kind === 'gap')
    expect(gaps.filter(({ reason }) => reason !== 'evicted')).toEqual([])
    expect(late).toBeLessThanOrEqual(unannounced.size * READERS)
    expect(await replicas.backfilled()).toBeGreaterThan(0)
    if (SECONDS >= 60) expect(gaps.length).toBeGreaterThan(0)
    expect(faults.length).toBeGreaterThan(2)
  },
  SECONDS * 1000 + END_MS,
)

test(
  `over replicas, whenever Redis is emptied, every reader is told, and misses nothing else (seed ${SEED})`,
  async () => {
    const { replicas, acknowledged, store } = await setUp('emptied')
    const births: string[] = []
    const emptying = Object.entries(emptyingFaults({ redis })).map(([name, empty]) => {
      return [
        name,
        async (random) => {
          const before = await store.get('born')
          await empty(random)
          const isBorn = async () => ![null, before].includes(await store.get('born'))
          await waitFor('the data to begin anew', isBorn, 30_000)
          births.push(formatId(Number(await store.get('born'))))
        },
      ] as const satisfies [string, Faults[string]]
    })
    const { heard } = await tryOut({
      name: 'oracle over a Redis that is emptied',
      replicas,
      seconds: EMPTYING_SECONDS,
      readers: Math.ceil(READERS / 3),
      acknowledged,
      faults: {
        ...Object.fromEntries(emptying),
        ...connectionFaults({ redis }),
        ...replicaFaults({ replicas }),
      },
      about: emptying.map(([name]) => name),
      losses: () => ({ births }),
    })
    expect(births).toEqual(births.toSorted())
    expect(heard.filter((one) => one.kind === 'gap' && one.reason === 'unknown')).toEqual([])
    expect(
      heard.filter((one) => one.kind === 'gap' && one.reason === 'reset').length,
    ).toBeGreaterThan(0)
  },
  EMPTYING_SECONDS * 1000 + END_MS,
)
