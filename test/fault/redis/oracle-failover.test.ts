import { expect, test } from 'vitest'
import { startSentinels } from '../../support/sentinels.ts'
import { formatId, parseId, type Position } from '../../../src/position.ts'
import { CHANNELS, SEED, SETTINGS, tryOut } from '../oracle/over-replicas.ts'
import { Random } from '../oracle/random.ts'
import { replicaFaults } from '../oracle/redis-faults.ts'
import { Replicas } from '../oracle/replicas.ts'
import { type Acknowledged } from '../oracle/truth.ts'

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 10)
const READERS = Number(process.env['CHAOS_READERS'] ?? 90)
const REPLICAS = 2
const PREFIX = 'failover-oracle'
/** Nothing is dropped: what is no longer there was lost. */
const ROOMY = { PIAZZA_LOG_MAX_MESSAGES: '1000000', PIAZZA_LOG_MAX_BYTES: '1GiB' }
/** What a master had not replicated when it was killed is no older, on a busy machine. */
const NEAR_MICROSECONDS = 5_000_000
const MAX_REPLICA_LAG_MS = 600

test(
  `over replicas, whatever sentinels do, every reader hears every message that Redis kept, once and in order (seed ${SEED})`,
  async () => {
    const setup = await startSentinels()
    const settings = {
      ...SETTINGS,
      ...ROOMY,
      PIAZZA_REDIS_URL: 'redis://ignored/0',
      PIAZZA_REDIS_SENTINELS: setup.sentinels,
      PIAZZA_REDIS_PREFIX: PREFIX,
    }
    const replicas = await Replicas.start(Array.from({ length: REPLICAS }, () => settings))
    const acknowledged = new Map<string, Acknowledged>()
    const killedAt: Position[] = []
    const lags = new Random(SEED)
    const isNearKill = (id: string) =>
      killedAt.some((position) => Math.abs(parseId(id)! - position) < NEAR_MICROSECONDS)
    const { heard, faults } = await tryOut({
      name: 'oracle over sentinels',
      replicas,
      seconds: SECONDS,
      readers: READERS,
      acknowledged,
      faults: {
        'kill the master': async () => {
          killedAt.push(Number(await setup.client.get(`{${PREFIX}}:clock`)))
          await setup.killMaster(lags.chance(0.7) ? lags.between(1, MAX_REPLICA_LAG_MS) : 0)
          await setup.replaceMaster()
        },
        'kill subscribers': async () => {
          await setup.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes')
        },
        'kill commands': async () => {
          await setup.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        },
        ...replicaFaults({ replicas }),
      },
      about: ['kill the master'],
      losses: async () => {
        const kept = new Set<string>()
        for (const channel of CHANNELS) {
          const entries = await setup.client.xrange(`{${PREFIX}}:log:${channel}`, '-', '+')
          for (const [id] of entries) kept.add(formatId(Number.parseInt(id, 10)))
        }
        const lost = [...acknowledged.keys()].filter((id) => !kept.has(id))
        expect(lost.filter((id) => !isNearKill(id))).toEqual([]) // not replicated yet, nothing else
        return { lost: new Set(lost) }
      },
    })
    expect(heard.filter((one) => one.kind === 'gap')).toEqual([])
    expect(faults).toContain('kill the master')
  },
  SECONDS * 1000 + 300_000,
)
