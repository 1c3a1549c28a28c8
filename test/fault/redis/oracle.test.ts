import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startFaultyProxy } from '../../support/faulty-proxy.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { publishAtRandom, publishUntilStored } from '../oracle/publisher.ts'
import { Random } from '../oracle/random.ts'
import { Reader } from '../oracle/reader.ts'
import { breakAtRandom } from '../oracle/redis-faults.ts'
import { type Acknowledged, judge } from '../oracle/truth.ts'
import { startReplicas } from './replicas.ts'

vi.setConfig({ testTimeout: 90_000 }) // outages take their time, and a busy machine more

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 15)
const SEED = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
const READERS = Number(process.env['CHAOS_READERS'] ?? 300)
/** Each goes to all readers of its channel, and all of them and all hubs are one process. */
const LARGE_CHANCE = 0.4 / READERS
const REPLICAS = 3
const BUSY = ['a', 'b', 'c', 'd', 'e', 'f']
/** So few have them that replicas begin and cease to hear them all the time. */
const RARE = Array.from({ length: 12 }, (_, i) => `rare-${i}`)
const CHANNELS = [...BUSY, ...RARE]
const PUBLISHERS = 4
const READ_TO_END_MS = 90_000

const SETTINGS = {
  PIAZZA_LOG_MAX_MESSAGES: '50', // a reader that is away for some seconds has a gap
  PIAZZA_STREAM_MAX_AGE: '15s',
  PIAZZA_SLOW_STREAM_TIMEOUT: '1s',
  PIAZZA_HEARTBEAT_INTERVAL: '1s',
}

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis({ settings: ['--appendonly', 'yes', '--appendfsync', 'always'] })
})

afterAll(() => redis.stop())

test(
  `over replicas, whatever breaks, every reader hears every message once and in order, or of a gap (seed ${SEED})`,
  async () => {
    console.log(`oracle over replicas: CHAOS_SEED=${SEED} CHAOS_SECONDS=${SECONDS}`)
    const proxies = await Promise.all(
      Array.from({ length: REPLICAS }, () => startFaultyProxy(redis.port)),
    )
    const hubs = await startReplicas(
      proxies.map(({ port }) => port),
      SETTINGS,
    )
    const random = new Random(SEED)
    const acknowledged = new Map<string, Acknowledged>()
    const endMs = performance.now() + SECONDS * 1000
    const isOver = () => performance.now() > endMs
    const readers = Array.from({ length: READERS }, (_, i) => {
      const wanted = i % 12 === 1 ? CHANNELS : BUSY
      const channels = random.some(wanted, i % 2 === 0 ? 1 : 4)
      const isSteady = i % 5 === 0
      const ports = hubs.map(({ port }) => port)
      const name = `${isSteady ? 'steady ' : ''}reader ${i} of ${channels.join(',')}`
      return new Reader({ name, channels, ports, random: random.fork(), isSteady })
    })
    const publishers = Array.from({ length: PUBLISHERS }, (_, i) => ({
      name: `publisher ${i}`,
      hubs,
      random: random.fork(),
      channels: CHANNELS,
      maxPauseMs: 120,
      largeChance: LARGE_CHANCE,
      floodChance: LARGE_CHANCE,
      mayBeRefused: true,
      acknowledged,
    }))
    const [faults] = await Promise.all([
      breakAtRandom({ redis, proxies }, random.fork(), isOver),
      ...publishers.map((options) => publishAtRandom(options, isOver)),
      ...readers.map((reader) => reader.live(isOver)),
    ])
    const last = CHANNELS.map((channel) => {
      return { channels: [channel], data: `last of ${channel}`, idempotencyKey: `last ${channel}` }
    })
    await publishUntilStored(publishers[0]!, last, true)
    const lastIds = readers.map(({ channels }) => {
      const ids = [...acknowledged.values()].filter((one) =>
        one.channels.some((c) => channels.includes(c)),
      )
      return ids.reduce((newest, { id }) => (id > newest ? id : newest), '')
    })
    await Promise.all(readers.map((reader, i) => reader.readToEnd(lastIds[i]!, READ_TO_END_MS)))

    const wrong = readers.flatMap((reader) => judge(reader, acknowledged))
    const heard = readers.flatMap((reader) => reader.heard)
    const count = (kind: string) => heard.filter((one) => one.kind === kind).length
    const late = heard.filter((one) => one.kind === 'message' && one.id === '').length
    console.log(
      `oracle over replicas: ${acknowledged.size} published, ${count('message')} heard (${late} late), ` +
        `${count('gap')} gaps, ${count('opened')} connections; broken: ${faults.join(', ')}`,
    )
    expect(wrong.slice(0, 20), `seed ${SEED}`).toEqual([])
    // Redis has lost nothing, and no single announcement was lost
    expect(heard.filter((one) => one.kind === 'gap' && one.reason !== 'evicted')).toEqual([])
    expect(late).toBe(0)
    // a run that tried nothing proves nothing
    expect(count('message')).toBeGreaterThan(acknowledged.size)
    expect(count('opened')).toBeGreaterThan(READERS * 2)
    if (SECONDS >= 60) expect(count('gap')).toBeGreaterThan(0)
    expect(faults.length).toBeGreaterThan(2)
    const backfilled = await Promise.all(
      hubs.map((hub) => hub.metric('piazza_backfilled_messages_total')),
    )
    expect(Math.max(...backfilled)).toBeGreaterThan(0)
  },
  SECONDS * 1000 + 120_000,
)
