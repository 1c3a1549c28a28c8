import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isDeletion } from '../../src/log/message.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'
import { cutOff, openReplicas, waitToHear } from './redis-replicas.ts'

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

describe('the name of a deleted channel', () => {
  test('ends on a replica that was away until it was free again', async () => {
    const replicas = await openReplicas(redis)
    const { one, other, proxy, store } = replicas
    const [log] = await one.join('a')
    const before = await other.publish('a')
    await waitToHear(one, before.position)
    await cutOff(replicas)
    await other.broker.delete('a')
    await store.expire('end:a', 1)
    await waitFor('the name to be free', async () => (await store.get('end:a')) === null)
    const next = await other.publish('a', { data: 'new life' })
    proxy.mend()
    await waitToHear(one, next.position)
    expect(one.delivered.map(({ message }) => isDeletion(message))).toEqual([false, true, false])
    expect(one.missed).toEqual([])
    expect(log!.base).toBeGreaterThanOrEqual(before.position) // what its owner has dropped is not replayed
  })

  test('ends for nobody who heard of the channel when the name was free again', async () => {
    const { one, other, store } = await openReplicas(redis)
    await other.broker.delete('a')
    await store.expire('end:a', 1)
    await waitFor('the name to be free', async () => (await store.get('end:a')) === null)
    const [log] = await one.join('a')
    const compared = one.metrics.comparedAtMs
    await waitFor('a comparison', () => one.metrics.comparedAtMs !== compared)
    expect(log!.isDeleted).toBe(false)
    expect(one.delivered).toEqual([])
  })

  test('is free when Redis says so, also where it was first heard of late', async () => {
    const { other, store, fresh } = await openReplicas(redis)
    await other.publish('a')
    await other.broker.delete('a')
    await store.expire('end:a', 1000) // 59 s have passed
    const third = await fresh()
    expect((await third.open('a', { kind: 'now' })).isOver).toBe(true)
    const isFree = async () => !(await third.open('a', { kind: 'now' })).isOver
    await waitFor('the name to be free', isFree, 5000)
  })

  test('is free for its streams before they hear what it is used for next', async () => {
    const { one, other, store } = await openReplicas(redis)
    await one.join('a')
    await other.broker.delete('a')
    await waitFor('the deletion to be heard', () => one.delivered.length === 1)
    await store.expire('end:a', 1)
    await waitFor('the name to be free', async () => (await store.get('end:a')) === null)
    const { position } = await other.publish('a')
    await waitToHear(one, position)
    expect(one.reopened).toEqual([{ channel: 'a', isDeleted: true }])
  })
})
