import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isDeletion } from '../../src/log/message.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'
import {
  cutOff,
  DEADLINE_MS,
  deliveredTo,
  forget,
  openReplicas,
  waitToHear,
} from './redis-replicas.ts'

/** Channels in one page of a comparison. */
const PAGE = 1000
const SHORT_AGE_MS = 1000

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

describe('a comparison of several pages', () => {
  test('finds a message of a channel that goes on between two of them (rule 5)', async () => {
    const { one, other, store, proxy } = await openReplicas(redis)
    const logs = await one.join('a', 'b')
    const { position: start } = await other.publish('b')
    await waitToHear(one, start)
    await store.storeSilently('b', 'lost')
    for (let i = 0; i < PAGE; i += 1) await store.storeSilently(`other-${i}`, 'x')
    const lost = await store.storeSilently('a', 'lost') // the newest: on the second page
    proxy.hold('commands')
    await other.publish('b') // shows a hole
    await waitFor('the first page to be asked for', () => proxy.heldPieces > 0)
    proxy.hold('announcements')
    proxy.release('commands')
    proxy.hold('commands')
    await waitFor('the second page to be asked for', () => proxy.heldPieces > 0)
    const next = await other.publish('a')
    proxy.release('commands')
    await waitFor('the gate to be open', () => one.broker.position(logs) > 0, DEADLINE_MS)
    proxy.release('announcements')
    await waitToHear(one, next.position)
    expect(deliveredTo(one)).toContain(lost)
    expect(one.missed).toEqual([])
    expect(deliveredTo(one)).toEqual(deliveredTo(one).toSorted((x, y) => x - y))
  }, 30_000)

  test('tells no loss behind its clock: what comes then may only be on its way (rule 5)', async () => {
    const { one, other, store, proxy } = await openReplicas(redis)
    await one.join('a', 'b')
    const { position: start } = await other.publish('b')
    await waitToHear(one, start)
    await store.storeSilently('b', 'lost')
    const found = await store.storeSilently('a', 'lost')
    proxy.hold('commands')
    await other.publish('b') // shows a hole
    await waitFor('the comparison to be asked for', () => proxy.heldPieces > 0)
    proxy.release('commands')
    proxy.hold('commands')
    await waitFor('what is missing to be asked for', () => proxy.heldPieces > 0)
    const dropped = await store.storeSilently('a', 'lost')
    await redis.client.xdel(`${store.prefix}log:a`, `${found}-0`, `${dropped}-0`)
    const { position: between } = await other.publish('b')
    const next = await store.storeSilently('a', 'kept')
    proxy.release('commands')
    await waitToHear(one, between, next)
    const [first] = one.missed
    expect(first!.position).toBeLessThan(dropped)
    expect(one.missed.at(-1)).toMatchObject({ channel: 'a', position: dropped })
  }, 30_000)

  test('tells of every deletion', async () => {
    const replicas = await openReplicas(redis)
    const { one, other, proxy, store } = replicas
    await one.join('last')
    const { position } = await other.publish('last')
    await waitToHear(one, position)
    await cutOff(replicas)
    const deletions = Array.from({ length: 2 * PAGE + 10 }, (_, i) => `other-${i}`)
    for (let i = 0; i < deletions.length; i += 100) {
      await Promise.all(deletions.slice(i, i + 100).map((name) => other.broker.delete(name)))
    }
    await other.broker.delete('last')
    const told = await redis.client.zcard(`${store.prefix}deleted`)
    expect(told).toBe(deletions.length + 1)
    proxy.mend()
    await waitFor(
      'the deletion',
      () => one.delivered.some(({ message }) => isDeletion(message)),
      DEADLINE_MS,
    )
  }, 30_000)

  test('forgets deletions in bounded work, and all of them in time', async () => {
    const { store } = await openReplicas(redis, { maxAgeMs: SHORT_AGE_MS })
    const key = `${store.prefix}deleted`
    const old = Array.from({ length: 3000 }, (_, i) => [i + 1, `old-${i}`]).flat()
    await redis.client.zadd(key, ...old)
    const calls = async () =>
      /cmdstat_zrem:calls=(\d+)/.exec(await redis.client.info('commandstats'))
    const before = Number((await calls())?.[1] ?? 0)
    await waitFor(
      'all to be forgotten',
      async () => (await redis.client.exists(key)) === 0,
      DEADLINE_MS,
    )
    expect(Number((await calls())?.[1]) - before).toBeGreaterThanOrEqual(3000 / 200)
  }, 30_000)
})

describe('a channel that has ended', () => {
  const place = { totalBytes: 20_000 } // no more than a few messages

  test('is known to have ended though its messages had to make room here', async () => {
    const { one, other } = await openReplicas(redis, {}, place)
    const [log] = await one.join('a', 'b')
    const { position } = await other.publish('a', { isEnd: true })
    await waitToHear(one, position)
    await waitToHear(one, (await other.publish('b', { data: 'x'.repeat(30_000) })).position)
    expect(log!.length).toBe(0)
    expect(log!.endedAt).toBe(position)
    expect((await one.open('a', { kind: 'now' })).isOver).toBe(true)
    expect((await one.resume('a', position - 1)).positions).toEqual([position])
  })

  test('also where so much was kept of others that nothing is read of it at first', async () => {
    const { other, fresh } = await openReplicas(redis)
    const large = Array.from({ length: 4 }, (_, i) => `large-${i}`)
    for (const name of large) await other.publish(name, { data: 'x'.repeat(300_000) })
    const { position } = await other.publish('a', { isEnd: true })
    const third = await fresh()
    const [log] = (await third.join(...large, 'a')).slice(-1)
    expect(log!.length).toBe(0)
    expect(log!.endedAt).toBe(position)
  })

  test('is open again when its end is too old', async () => {
    const { one, other } = await openReplicas(redis, { maxAgeMs: SHORT_AGE_MS }, place)
    const [log] = await one.join('a', 'b')
    const { position } = await other.publish('a', { isEnd: true })
    await waitToHear(one, position)
    await waitToHear(one, (await other.publish('b', { data: 'x'.repeat(30_000) })).position)
    expect(log!.length).toBe(0)
    const isOpen = async () => !(await one.open('a', { kind: 'now' })).isOver
    await waitFor('the channel to be open', isOpen, DEADLINE_MS)
    const publish = () =>
      other.publish('a').then(
        () => true,
        () => false,
      )
    await waitFor('Redis to think so too', publish, DEADLINE_MS)
    await waitFor('what was published to be heard', () => log!.endedAt === undefined)
  })
})

test('a deleted channel is closed for a minute, however soon its messages are forgotten', async () => {
  const replicas = await openReplicas(redis, { maxAgeMs: SHORT_AGE_MS })
  const { other, fresh } = replicas
  await other.publish('a')
  await other.broker.delete('a')
  await forget(replicas, 'later')
  const third = await fresh()
  const [log] = await third.join('a')
  expect(log!.end).toBeGreaterThanOrEqual(log!.base)
  expect((await third.open('a', { kind: 'now' })).isOver).toBe(true)
  await expect(third.publish('a')).rejects.toThrow(/deleted/)
})

test('a rollback that a back-fill meets is counted too (rule 13)', async () => {
  const replicas = await openReplicas(redis)
  const { one, other, proxy, store } = replicas
  await one.join('a')
  const kept = await other.publish('a')
  const lost = await other.publish('a')
  await waitToHear(one, lost.position)
  await cutOff(replicas)
  await store.lose('a', lost.position)
  await store.rollBack(kept.position)
  const { position } = await other.publish('a')
  proxy.mend()
  await waitToHear(one, position)
  expect(one.missed).toEqual([])
  expect(one.metrics.rollbacks).toBe(1)
})
