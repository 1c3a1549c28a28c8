import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countCalls, startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'
import { requestOf } from './open-broker.ts'
import { DEADLINE_MS, deliveredTo, openReplicas, waitToHear } from './redis-replicas.ts'

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

describe('what streams read from Redis', () => {
  test('is asked once for all that want the newest of a channel at the same time', async () => {
    const { one, other } = await openReplicas(redis)
    const logs = await one.join('a')
    const { position } = await other.publish('a')
    await waitToHear(one, position)
    const before = await countCalls(redis)
    const start = { kind: 'newest', count: 10 } as const // more than there are: only Redis knows that
    const openings = await Promise.all(
      Array.from({ length: 200 }, () => one.broker.open(logs, start)),
    )
    expect(await countCalls(redis)).toBeLessThan(before + 10)
    for (const { messages } of openings) expect(messages).toMatchObject([{ position }])
  })

  test('is asked anew where it led no further', async () => {
    const { one, other, store } = await openReplicas(redis)
    const { position } = await other.publish('a')
    const logs = await one.join('a')
    expect((await one.broker.read(logs, position, undefined)).messages).toEqual([])
    const next = await store.storeSilently('a', 'later')
    const page = await one.broker.read(logs, position, undefined)
    expect(page.messages).toMatchObject([{ position: next }])
  })
})

test('a publish does not wait for the answer to another', async () => {
  const { one, proxy, store } = await openReplicas(redis)
  await one.publish('a')
  proxy.hold('replies')
  const first = one.publish('a')
  await waitFor('its answer to be on its way', () => proxy.heldPieces > 0)
  const second = one.publish('b')
  await waitFor('the second to be stored', async () =>
    (await store.keys()).includes(`${store.prefix}log:b`),
  )
  proxy.release('replies')
  expect((await second).position).toBeGreaterThan((await first).position)
})

test('a batch brings its script: where Redis has forgotten it, the order is kept', async () => {
  const { one } = await openReplicas(redis)
  await redis.client.script('FLUSH')
  const before = await countCalls(redis, 'eval')
  const results = await one.broker.publish(Array.from({ length: 50 }, () => requestOf('a', {})))
  expect(await countCalls(redis, 'eval')).toBe(before + 1)
  const positions = results.map((result) => ('position' in result ? result.position : 0))
  expect(positions).toEqual(positions.toSorted((a, b) => a - b))
})

test('small messages make room for large ones', async () => {
  const { one } = await openReplicas(redis, { maxBytes: 100_000 })
  for (let i = 0; i < 20; i += 1) {
    await one.broker.publish(Array.from({ length: 100 }, () => requestOf('a', { data: 'small' })))
  }
  for (let i = 0; i < 60; i += 1) await one.publish('a', { data: 'x'.repeat(20_000) })
  expect((await one.broker.inspect('a')).bytes).toBeLessThanOrEqual(100_000)
})

test('the names of a message to several channels count among the bytes of each log', async () => {
  const names = Array.from({ length: 50 }, (_, i) => `channel-${i}-${'x'.repeat(180)}`)
  const { one } = await openReplicas(redis, { maxBytes: 20_000 })
  for (let i = 0; i < 5; i += 1) await one.publish(names, { data: 'x' })
  const { messages, bytes } = await one.broker.inspect(names[0]!)
  expect(messages).toBe(2)
  expect(bytes).toBeGreaterThan(messages * 50 * 180)
  expect(bytes).toBeLessThanOrEqual(20_000)
})

test('a channel that is heard after FLUSHALL, before a comparison tells, has its messages once', async () => {
  const { one, other, store } = await openReplicas(redis)
  await one.join('old')
  await other.publish('old')
  await store.empty()
  const born = await other.publish('other')
  await one.join('new')
  const { position } = await other.publish('new')
  await waitToHear(one, position)
  await waitFor('the loss to be told', () => one.missed.length > 0, DEADLINE_MS)
  expect(one.missed).toMatchObject([{ channel: null, reason: 'reset' }])
  expect(one.missed[0]!.position).toBeLessThanOrEqual(born.position)
  const next = await other.publish('new')
  await waitToHear(one, next.position)
  expect(deliveredTo(one).filter((heard) => heard === position)).toHaveLength(1)
})

test('a Redis that has become a replica is connected to anew once a second at most', async () => {
  const { one } = await openReplicas(redis)
  await redis.client.replicaof('127.0.0.1', 1)
  const untilMs = performance.now() + 2500
  let refusals = 0
  await waitFor('two seconds and a half of refusals', async () => {
    await one.publish('a').catch(() => {
      refusals += 1
    })
    return performance.now() > untilMs
  })
  await redis.client.replicaof('NO', 'ONE')
  expect(refusals).toBeGreaterThan(10)
  const text = await one.metrics.registry.metrics()
  const reconnects = /piazza_broker_reconnects_total\{connection="commands"\} (\d+)/.exec(text)
  expect(Number(reconnects?.[1])).toBeGreaterThan(0)
  expect(Number(reconnects?.[1])).toBeLessThanOrEqual(3)
  const isBack = () =>
    one.publish('a').then(
      () => true,
      () => false,
    )
  await waitFor('publishes to succeed again', isBack, DEADLINE_MS)
})
