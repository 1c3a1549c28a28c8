import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SCRIPTS, type ScriptName } from '../../src/broker/redis/script.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { requestOf } from './open-broker.ts'
import { waitFor } from '../support/wait.ts'
import {
  cutOff,
  DEADLINE_MS,
  deliveredTo,
  openReplicas,
  type Replicas,
  waitToHear,
} from './redis-replicas.ts'

const CHANNELS = 64
const LARGE = 'x'.repeat(500_000)
const KIB = 1024
/** Entries that are read in one go at the most, each may be as large as a log. */
const STEP = 16
const MAX_AGE_MS = 3_600_000

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

const names = Array.from({ length: CHANNELS }, (_, i) => `channel-${i}`)

/** Large messages in turn, `rounds` to each channel; returns their positions. */
async function publishLarge({ other }: Replicas, rounds: number): Promise<number[]> {
  const positions: number[] = []
  for (let i = 0; i < rounds; i += 1) {
    for (const name of names) positions.push((await other.publish(name, { data: LARGE })).position)
  }
  return positions
}

type Nested = Buffer | number | null | readonly Nested[]

function bytesOf(reply: Nested): number {
  if (Array.isArray(reply)) return reply.reduce((sum: number, one) => sum + bytesOf(one), 0)
  return Buffer.isBuffer(reply) ? reply.length : 8
}

/** What a script replies. */
async function run(replicas: Replicas, name: ScriptName, ...args: readonly (string | number)[]) {
  const { prefix } = replicas.store
  const runId = (await replicas.store.get('run'))!
  const all = [prefix, '0 0', runId, MAX_AGE_MS, ...args]
  return (await redis.client.callBuffer('EVAL', SCRIPTS[name].source, 1, 'any', ...all)) as Nested[]
}

describe('channels of large messages', () => {
  test('cost one script no more than it has room for', async () => {
    const replicas = await openReplicas(redis)
    await publishLarge(replicas, 2)
    const room = 256 * KIB + LARGE.length + 64 * KIB
    const read = await run(
      replicas,
      'read',
      '',
      256 * KIB,
      1000,
      ...names.flatMap((one) => [one, 0]),
    )
    expect(bytesOf(read)).toBeLessThan(room)
    expect(read.length).toBe(4 + 1) // the first channel only
    const newest = await run(replicas, 'newest', 256, 256 * KIB, 'fence', '1', ...names)
    expect(bytesOf(newest)).toBeLessThan(room)
    expect(newest.length).toBe(4 + CHANNELS)
    const inspected = await run(replicas, 'inspect', 1024 * KIB, ...names)
    expect(inspected.length).toBeLessThan(4)
    const floor = await run(replicas, 'floor', 'channel-0', 1000, '+', 256 * KIB)
    expect(floor[1]).toBe(999) // looked at one, and stopped
  })

  test('small messages before large ones do not make it read many of these at once', async () => {
    const replicas = await openReplicas(redis)
    const { other } = replicas
    await other.broker.publish(Array.from({ length: 200 }, () => requestOf('a', { data: 'small' })))
    for (let i = 0; i < 2 * STEP; i += 1) await other.publish('a', { data: LARGE })
    const read = await run(replicas, 'read', '', 256 * KIB, 1000, 'a', 0)
    expect(bytesOf(read)).toBeLessThan(STEP * LARGE.length + 64 * KIB)
    await other.publish('b', { data: 'small' })
    for (let i = 0; i < 4; i += 1) await other.publish('b', { data: LARGE })
    const few = await run(replicas, 'read', '', 256 * KIB, 1000, 'b', 0)
    expect(bytesOf(few)).toBeLessThan(LARGE.length + 64 * KIB)
  })

  test('are replayed together, each message once and in order', async () => {
    const replicas = await openReplicas(redis)
    const { position } = await replicas.other.publish('start')
    const positions = await publishLarge(replicas, 2)
    const third = await replicas.fresh()
    const replay = await third.resume(names, position)
    expect(replay.opening.gap).toBeUndefined()
    expect(replay.positions).toEqual(positions)
  }, 30_000)

  test('and one that lacks something is told once', async () => {
    const replicas = await openReplicas(redis)
    const { store, other, fresh } = replicas
    const { position } = await other.publish('start')
    const positions = await publishLarge(replicas, 2)
    await redis.client.xdel(`${store.prefix}log:channel-9`, `${positions[9]}-0`)
    const third = await fresh()
    const replay = await third.resume(names, position)
    expect(replay.opening.gap).toMatchObject({ reason: 'evicted', channels: ['channel-9'] })
    expect(replay.positions).toEqual(positions.filter((_, i) => i !== 9))
  }, 30_000)

  test('that a replica has missed are read back in order, and none is missed', async () => {
    const replicas = await openReplicas(redis)
    const { one, proxy } = replicas
    await one.join(...names)
    await cutOff(replicas)
    const positions = await publishLarge(replicas, 2)
    const extra = await replicas.other.publish(names, { data: 'to all' })
    proxy.mend()
    await waitToHear(one, extra.position)
    expect([...new Set(deliveredTo(one))]).toEqual([...positions, extra.position])
    expect(one.missed).toEqual([])
  }, 30_000)

  test('are read back while others go on: what was not read yet is not told as missed (rule 6)', async () => {
    const replicas = await openReplicas(redis)
    const { one, other, proxy } = replicas
    await one.join(...names)
    await cutOff(replicas)
    const missed = await publishLarge(replicas, 1)
    proxy.mend()
    const live: number[] = []
    while (!deliveredTo(one).includes(missed.at(-1)!)) {
      const results = await other.broker.publish(names.map((name) => requestOf(name, {})))
      for (const result of results) if ('position' in result) live.push(result.position)
    }
    await waitToHear(one, live.at(-1)!)
    expect(one.missed).toEqual([])
    expect(deliveredTo(one)).toEqual([...missed, ...live])
  }, 30_000)

  test('of which one has lost something: that is told before anything is delivered (rule 11)', async () => {
    const replicas = await openReplicas(redis)
    const { one, proxy, store } = replicas
    const logs = await one.join(...names)
    await cutOff(replicas)
    const positions = await publishLarge(replicas, 2)
    await redis.client.xdel(`${store.prefix}log:channel-63`, `${positions[63]}-0`)
    const missed: unknown[] = []
    const missedAtDelivery = new Set<number>()
    one.broker.listen({
      deliver: () => missedAtDelivery.add(missed.length),
      reopen: () => {},
      miss: (channel, position, reason) => missed.push({ channel, position, reason }),
    })
    proxy.mend()
    await waitFor('the last', () => logs[63]!.end === positions.at(-1), DEADLINE_MS)
    expect(missed).toEqual([{ channel: 'channel-63', position: positions[63], reason: 'evicted' }])
    expect(missedAtDelivery).toEqual(new Set([1]))
  }, 30_000)

  test('make as much room for themselves among small ones as they need', async () => {
    const maxBytes = 1_000_000
    const { one } = await openReplicas(redis, { maxBytes })
    for (let i = 0; i < 5; i += 1) {
      const small = Array.from({ length: 1000 }, () => requestOf('a', { data: 'x'.repeat(100) }))
      await one.broker.publish(small)
    }
    const startedMs = performance.now()
    await waitFor('a while without messages', () => performance.now() - startedMs > 500)
    for (let i = 0; i < 5; i += 1) {
      const { position } = await one.publish('a', { data: LARGE })
      const { bytes, newest } = await one.broker.inspect('a')
      expect(bytes).toBeLessThanOrEqual(maxBytes)
      expect(bytes).toBeGreaterThan(i === 0 ? maxBytes - 1000 : LARGE.length)
      expect(newest).toBe(position)
    }
    await one.publish('a', { data: 'x'.repeat(2 * maxBytes) })
    expect((await one.broker.inspect('a')).messages).toBe(1) // the newest stays
  })

  test('leave nothing of their bytes behind when they are forgotten or deleted', async () => {
    const { other, store } = await openReplicas(redis, { maxBytes: 1_100_000, maxAgeMs: 1500 })
    for (const name of ['a', 'b']) {
      for (let i = 0; i < 4; i += 1) await other.publish(name, { data: LARGE })
    }
    const dropped = () => redis.client.hkeys(`${store.prefix}dropped`)
    expect((await dropped()).toSorted()).toEqual(['a', 'b'])
    await other.broker.delete('a')
    expect(await dropped()).toEqual(['b'])
    const isForgotten = async () => (await other.publish('clock')) && (await dropped()).length === 0
    await waitFor('the other to be forgotten', isForgotten, DEADLINE_MS)
  })

  test('the newest of one are found in several looks', async () => {
    const replicas = await openReplicas(redis)
    const { other } = replicas
    const positions: number[] = []
    for (let i = 0; i < 8; i += 1) {
      positions.push((await other.publish('a', { data: LARGE })).position)
    }
    const third = await replicas.fresh()
    const replay = await third.open('a', { kind: 'newest', count: 5 })
    expect(replay.positions).toEqual(positions.slice(3))
    const all = await third.open('a', { kind: 'newest', count: 20 })
    expect(all.positions).toEqual(positions)
  })

  test('cost a small message to all of them little more than empty ones', async () => {
    const replicas = await openReplicas(redis, { maxBytes: 1_100_000 })
    const { other } = replicas
    await publishLarge(replicas, 3) // two are kept
    const empty = names.map((name) => `empty-${name}`)
    const microsecondsOf = async (channels: readonly string[]) => {
      await redis.client.config('RESETSTAT')
      for (let i = 0; i < 5; i += 1) await other.publish(channels, { data: 'small' })
      const stats = await redis.client.info('commandstats')
      return Number(/cmdstat_xrange:calls=\d+,usec=(\d+)/.exec(stats)?.[1] ?? 0)
    }
    expect(await microsecondsOf(empty)).toBe(0)
    expect(await microsecondsOf(names)).toBe(0)
    for (const name of names) {
      expect((await other.broker.inspect(name)).messages).toBe(2 + 5)
    }
  })

  test('are listed, each with its state', async () => {
    const replicas = await openReplicas(redis)
    await publishLarge(replicas, 1)
    const { channels } = await replicas.other.broker.list({
      matches: () => true,
      limit: 100,
      after: undefined,
    })
    expect(channels.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
    for (const { messages, bytes } of channels) {
      expect(messages).toBe(1)
      expect(bytes).toBeGreaterThan(LARGE.length)
    }
  })
})
