import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { formatId } from '../../src/position.ts'
import { startLines } from '../support/lines.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'
import { openBroker } from './open-broker.ts'
import { createRedisBroker, newPrefix } from './open-redis-broker.ts'
import { openReplicas } from './redis-replicas.ts'

// More scenarios of the rules of docs/architecture.md ("Exact over Redis"). Here the clock falls back in the same process
// of Redis: the leap of rule 2 would hide whether the other rules are kept.

/** A baseline has one such message of a channel. */
const LARGE = 'x'.repeat(300_000)

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

describe('a position that Redis has lost', () => {
  test('and that its time has reached is one of ours (rule 10): no gap, and the clock rises to it', async () => {
    const { other, store, fresh } = await openReplicas(redis)
    const kept = await other.publish('a')
    const lost = await other.publish('a')
    await store.lose('a', lost.position)
    await store.set('clock', kept.position)
    const third = await fresh()
    const { opening } = await third.resume('a', lost.position)
    expect(opening.gap).toBeUndefined()
    expect(opening.cursor).toBeGreaterThanOrEqual(lost.position)
    expect(Number(await store.get('clock'))).toBeGreaterThanOrEqual(lost.position)
  })

  test('and where a log here begins later (rule 2): a stream is told a position behind it', async () => {
    const { other, store, fresh } = await openReplicas(redis)
    const kept = await other.publish('a')
    const lost = [
      await other.publish('a', { data: LARGE }),
      await other.publish('a', { data: LARGE }),
    ]
    const third = await fresh()
    const [log] = await third.join('a')
    expect(log!.base).toBe(lost[0]!.position)
    for (const { position } of lost.toReversed()) await store.lose('a', position)
    await store.set('clock', kept.position)
    const start = { kind: 'after', id: formatId(kept.position) } as const
    const { cursor, gap } = await third.broker.open([log!], start)
    expect(gap).toBeUndefined()
    expect(cursor).toBeGreaterThanOrEqual(log!.base) // else it would be read for again and again
  })
})

test('a baseline from before the last SUBSCRIBE does not count (rule 4)', async () => {
  const { one, other, proxy, store } = await openReplicas(redis)
  proxy.hold('replies')
  const log = one.broker.subscribe('a')
  await waitFor('its baseline to be read', () => proxy.heldPieces > 0)
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes')
  const missed = await other.publish('a')
  await waitFor('SUBSCRIBE', async () => (await store.subscribers('a')) > 0)
  await sleep(100) // nothing tells when the acknowledgement is here
  proxy.release('replies')
  await one.broker.open([log], { kind: 'now' })
  expect(log.end).toBe(missed.position) // and not only when the next comparison finds it
})

test('a baseline is not read before SUBSCRIBE is acknowledged (rule 4)', async () => {
  const prefix = newPrefix()
  const lines = await startLines(redis)
  onTestFinished(() => lines.stop())
  const open = (port: number) =>
    openBroker((options) => createRedisBroker(redis, options, { prefix, port }))
  const [one, other] = [await open(lines.port), await open(redis.port)]
  await lines.subscriber.delay(300)
  const log = one.broker.subscribe('a')
  await sleep(150) // SUBSCRIBE is on its way, and the other connection is fast
  const { position } = await other.publish('a')
  await one.broker.open([log], { kind: 'now' })
  expect(log.end).toBe(position) // and not only when the next comparison finds it
})
