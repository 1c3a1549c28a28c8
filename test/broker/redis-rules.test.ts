import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readAfter } from '../../src/log/read.ts'
import { formatId, type Position } from '../../src/position.ts'
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

// The scenarios on which the rules of docs/architecture.md ("Exact over Redis") were found, rule by rule.

const SHORT_AGE_MS = 1500

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

describe('a comparison', () => {
  test('is judged when what was in flight has arrived (rule 7): nothing is read back', async () => {
    const { one, other, proxy } = await openReplicas(redis, { maxAgeMs: 4000 }) // compares twice a second
    await one.join('a', 'b')
    const before = one.metrics.comparedAtMs
    for (let i = 0; i < 6; i += 1) {
      proxy.hold('announcements')
      const { position } = await other.publish('a')
      const untilMs = performance.now() + 400
      await waitFor('a comparison to begin', () => performance.now() > untilMs)
      proxy.release('announcements')
      await waitToHear(one, position)
    }
    expect(one.metrics.comparedAtMs).not.toBe(before)
    expect(one.metrics.messagesBackfilled).toBe(0)
  })

  test('that does not know a channel tells what it had, if that was forgotten meanwhile (rule 8)', async () => {
    const replicas = await openReplicas(redis, { maxAgeMs: SHORT_AGE_MS })
    const { one, other, proxy } = replicas
    await one.join('a')
    await cutOff(replicas)
    const lost = await other.publish('a')
    await forget(replicas, 'a')
    proxy.mend()
    await waitFor('the loss to be told', () => one.missed.length > 0, DEADLINE_MS)
    expect(one.missed[0]).toMatchObject({ channel: 'a', reason: 'evicted' })
    expect(one.missed[0]!.position).toBeGreaterThanOrEqual(lost.position)
  })

  test('of an idle channel keeps it provable when others are forgotten (rule 5): nothing is read back', async () => {
    const replicas = await openReplicas(redis, { maxAgeMs: SHORT_AGE_MS })
    const { one, other } = replicas
    await one.join('quiet')
    await forget(replicas, 'a')
    const { position } = await other.publish('quiet') // its `prev` is what was forgotten
    await waitToHear(one, position)
    expect(one.missed).toEqual([])
    expect(one.metrics.messagesBackfilled).toBe(0)
  })

  test('moves the position of an idle stream on (rule 12)', async () => {
    const { one, other } = await openReplicas(redis, { maxAgeMs: 8000 }) // compares every second
    const logs = await one.join('quiet')
    const { position } = await other.publish('a')
    const isTold = () => one.broker.position(logs) >= position
    await waitFor('a newer position', isTold, 5000) // long before anything ages
  })
})

describe('a fill', () => {
  test('whose messages have gone is told up to what the comparison knew (rule 6)', async () => {
    const replicas = await openReplicas(redis)
    const { one, other, proxy, store } = replicas
    await one.join('a')
    await cutOff(replicas)
    const lost = await other.publish('a')
    await store.dropLog('a')
    proxy.mend()
    await waitFor('the loss to be told', () => one.missed.length > 0, DEADLINE_MS)
    expect(one.missed).toEqual([{ channel: 'a', position: lost.position, reason: 'evicted' }])
  })

  test('is what was read together with what was heard meanwhile (rule 6)', async () => {
    const { one, other, store } = await openReplicas(redis)
    await one.join('a')
    const first = await other.publish('a')
    await waitToHear(one, first.position)
    const lost = await store.storeSilently('a', 'lost')
    const position = await store.publishAndDrop('a') // heard, and no longer there when it is read back
    await waitToHear(one, lost, position)
    expect(deliveredTo(one)).toEqual([first.position, lost, position])
    expect(one.missed).toEqual([])
  })

  test('of several channels is merged in the order of positions (rule 5)', async () => {
    const replicas = await openReplicas(redis)
    const { one, other, proxy } = replicas
    await one.join('a', 'b', 'c')
    await cutOff(replicas)
    const stored: Position[] = []
    for (let i = 0; i < 60; i += 1) {
      stored.push((await other.publish(['a', 'b', 'c'][i % 3]!)).position)
    }
    proxy.mend()
    await waitToHear(one, ...stored)
    expect(deliveredTo(one)).toEqual(stored)
  })

  test('of many pages tells what is lost before anything else (rule 11)', async () => {
    const replicas = await openReplicas(redis, { maxMessages: 2500 })
    const { one, other, proxy, store } = replicas
    const told: string[] = []
    one.broker.listen({
      deliver: (channel) => told.push(channel),
      miss: (channel) => told.push(`miss ${channel}`),
      reopen: () => {},
    })
    await one.join('a', 'b', 'c')
    await cutOff(replicas)
    await other.publish('b', { data: 'lost' })
    await other.publish('c', { data: 'lost' })
    await store.dropLog('b')
    await store.dropLog('c')
    for (let i = 0; i < 22; i += 1) {
      await Promise.all(Array.from({ length: 100 }, () => other.publish('a')))
    }
    await other.publish('c', { data: 'kept' })
    proxy.mend()
    await waitFor('all to be told', () => told.length >= 2203, DEADLINE_MS)
    expect(told.slice(0, 2).sort()).toEqual(['miss b', 'miss c'])
    expect(told.at(-1)).toBe('c')
    expect(told.filter((word) => word.startsWith('miss'))).toHaveLength(2)
  })
})

describe('a resume', () => {
  test('that waits for a comparison is served, though another hole follows at once (rule 6)', async () => {
    const { one, other, proxy, store } = await openReplicas(redis)
    const [log] = await one.join('a')
    const first = await other.publish('a')
    await waitToHear(one, first.position)
    proxy.hold('replies')
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes')
    await waitFor('the comparison to be answered', () => proxy.heldPieces > 0)
    const lost = await store.storeSilently('a', 'lost')
    const last = await other.publish('a')
    const opening = one.broker.open([log!], { kind: 'after', id: formatId(first.position) })
    await sleep(100) // nothing tells when the last one waits at the gate
    proxy.release('replies')
    expect(await opening).toMatchObject({ cursor: first.position, gap: undefined })
    await waitToHear(one, lost, last.position)
  })

  test('of a channel that is just being heard does not overtake what is in flight of another (rule 4)', async () => {
    const { one, other, proxy } = await openReplicas(redis)
    const [a] = await one.join('a')
    const first = await other.publish('a')
    await waitToHear(one, first.position)
    proxy.hold('commands')
    const b = one.broker.subscribe('b')
    await waitFor('its baseline to be asked for', () => proxy.heldPieces > 0)
    proxy.hold('announcements')
    const stored = [await other.publish('a'), await other.publish('b')]
    proxy.release('commands') // the baseline has the second one
    const logs = [a!, b]
    const opening = one.broker.open(logs, { kind: 'after', id: formatId(first.position) })
    await Promise.race([opening, sleep(300)])
    proxy.release('announcements')
    const { cursor, messages } = await opening
    const read = readAfter(logs, cursor, Number.MAX_SAFE_INTEGER).messages
    const positions = [...messages, ...read].map(({ position }) => position)
    expect(positions).toEqual(stored.map(({ position }) => position))
  })

  test('of a channel that became ready behind a closed gate finds no hole in what was heard early (rule 6)', async () => {
    const { one, other, proxy, store } = await openReplicas(redis)
    const [a] = await one.join('a')
    proxy.hold('replies')
    const b = one.broker.subscribe('b')
    await waitFor('its baseline to be read', () => proxy.heldPieces > 0)
    const early = await other.publish('b')
    const lost = await store.storeSilently('a', 'lost') // closes the gate
    const next = await other.publish('a')
    const held = await other.publish('b')
    await sleep(100) // nothing tells when the last one waits at the gate
    proxy.release('replies')
    const logs = [a!, b]
    await one.broker.open(logs, { kind: 'now' })
    await waitFor('all to be heard', () => b.end === held.position, DEADLINE_MS)
    const { messages } = readAfter(logs, 0, Number.MAX_SAFE_INTEGER)
    expect(messages.map(({ position }) => position)).toEqual([
      early.position,
      lost,
      next.position,
      held.position,
    ])
    expect(one.metrics.messagesBackfilled).toBe(2) // those of `a`: `b` had no hole
  })

  test('is not mixed of the logs here and Redis (rule 9)', async () => {
    const { one, other } = await openReplicas(redis)
    await one.join('a')
    const stored = [(await other.publish('a')).position]
    for (const channel of ['b', 'a', 'b']) stored.push((await other.publish(channel)).position)
    for (let i = 0; i < 300; i += 1) stored.push((await other.publish('b')).position) // more than a baseline has
    const { positions, opening } = await one.resume(['a', 'b'], stored[0]!)
    expect(opening.gap).toBeUndefined()
    expect(positions).toEqual(stored.slice(1))
  })

  test('on a replica that begins to hear a channel after it was forgotten (rule 4)', async () => {
    const replicas = await openReplicas(redis, { maxAgeMs: SHORT_AGE_MS })
    const { one, other, fresh } = replicas
    const [log] = await one.join('a')
    const before = one.broker.position([log!])
    await other.publish('a')
    await forget(replicas, 'a')
    const third = await fresh()
    const { opening } = await third.resume('a', before)
    expect(opening.gap).toMatchObject({ reason: 'evicted', channels: ['a'] })
  })

  test('from before a message that was forgotten together with its channel (rule 3)', async () => {
    const replicas = await openReplicas(redis, { maxAgeMs: SHORT_AGE_MS })
    const { one, other, fresh } = replicas
    const before = one.broker.position(await one.join('a'))
    await forget(replicas, 'a')
    const { position } = await other.publish('a') // its `prev` must not say that there was none
    const third = await fresh()
    const { opening, positions } = await third.resume('a', before)
    expect(opening.gap).toMatchObject({ reason: 'evicted', channels: ['a'] })
    expect(positions).toEqual([position])
  })

  test('from before Redis was emptied is told a reset, whatever was published since (rule 10)', async () => {
    const { store, other, fresh } = await openReplicas(redis)
    const { position } = await other.publish('a')
    await store.empty()
    const stored = await other.publish('a')
    const third = await fresh()
    const { opening, positions } = await third.resume('a', position)
    expect(opening.gap).toMatchObject({ reason: 'reset', channels: null, after: position })
    expect(positions).toEqual([stored.position])
  })

  test('after UNSUBSCRIBE and SUBSCRIBE has what was published between them (rule 4)', async () => {
    const { one, other, store } = await openReplicas(redis)
    await one.join('a')
    const stored = [(await other.publish('a')).position]
    await waitToHear(one, stored[0]!)
    one.leave('a')
    await waitFor('UNSUBSCRIBE', async () => (await store.subscribers('a')) === 0, DEADLINE_MS)
    for (let i = 0; i < 3; i += 1) stored.push((await other.publish('a')).position)
    const log = one.broker.subscribe('a')
    await one.broker.open([log], { kind: 'after', id: formatId(stored[0]!) })
    expect(log.end).toBe(stored.at(-1)) // and not only when the next comparison finds it
    const { opening, positions } = await one.resume('a', stored[0]!)
    expect({ positions, gap: opening.gap }).toEqual({ positions: stored.slice(1), gap: undefined })
  })
})

/** The data began anew by a replica that has heard of nothing, while what was given out before was ahead of the time. */
async function beginTooEarly() {
  const replicas = await openReplicas(redis)
  const { one, store, fresh } = replicas
  await one.join('a')
  await store.set('clock', Date.now() * 1000 + 30_000_000)
  const first = await one.publish('a')
  const lost = await one.publish('a')
  await waitToHear(one, first.position, lost.position)
  await store.empty()
  const third = await fresh()
  await third.publish('b')
  const born = Number(await store.get('born'))
  expect(born).toBeLessThan(first.position) // that is what this is about
  return { ...replicas, third, first, lost }
}

describe('data that begins anew', () => {
  test('begins later than all that any replica heard, as soon as that one says so (rule 1)', async () => {
    const { one, store, third, first, lost } = await beginTooEarly()
    await one.publish('b')
    expect(Number(await store.get('born'))).toBeGreaterThan(lost.position)
    const { opening } = await third.resume('a', first.position)
    expect(opening.gap).toMatchObject({ reason: 'reset', channels: null, after: first.position })
  })

  test('is told once to the streams of a replica that had heard more', async () => {
    const { one, lost } = await beginTooEarly()
    await one.join('c') // its baseline belongs to the new data
    const resets = () => one.missed.filter(({ reason }) => reason === 'reset')
    await waitFor('the reset to be told', () => resets().length > 0, DEADLINE_MS)
    const { position } = await one.publish('a')
    await waitToHear(one, position)
    expect(resets()).toHaveLength(1)
    expect(resets()[0]!.position).toBeGreaterThan(lost.position)
  })

  test('begins later than all that was heard, also where that is too far ahead to leap (rule 1)', async () => {
    const { one, store } = await openReplicas(redis)
    await one.join('a')
    await store.set('clock', Date.now() * 1000 + 70_000_000)
    const { position } = await one.publish('a')
    await waitToHear(one, position)
    await store.empty()
    await one.publish('b')
    expect(Number(await store.get('born'))).toBe(position + 1)
  })

  test('and that later than all that was heard: once is enough, whatever is published or opened', async () => {
    const { one, store, fresh } = await openReplicas(redis)
    await one.join('a')
    const { position } = await one.publish('a')
    await waitToHear(one, position)
    await store.empty()
    const third = await fresh()
    await third.publish('b', { isEphemeral: true })
    const born = await store.get('born')
    expect(Number(born)).toBeGreaterThan(position)
    await third.publish('a', { isEphemeral: true })
    await one.join('c')
    await one.publish('c')
    await third.publish('a')
    await waitFor('the reset to be told', () => one.missed.length > 0, DEADLINE_MS)
    await one.publish('a')
    expect(await store.get('born')).toBe(born)
    expect(one.missed).toMatchObject([{ reason: 'reset', position: Number(born) }])
  })
})

describe('a failover that lost messages', () => {
  test('a position that was lost is one of ours, and is not given out again (rules 2 and 10)', async () => {
    const { store, other, fresh } = await openReplicas(redis)
    const kept = await other.publish('a')
    const lost = await other.publish('a')
    await store.rollBack(kept.position)
    const third = await fresh() // that has heard of nothing
    const { opening } = await third.resume('a', lost.position)
    expect(opening.gap).toBeUndefined()
    const { position } = await third.publish('a')
    expect(position).toBeGreaterThan(lost.position)
  })

  test('the clock leaps past all that can have been given out (rule 2)', async () => {
    const { store, other } = await openReplicas(redis)
    const kept = await other.publish('a')
    await store.rollBack(kept.position)
    const { position } = await other.publish('a')
    expect(position).toBeGreaterThan(kept.position + 9_000_000)
  })

  test('nor below what a replica has heard, however far behind the time of Redis is (rule 2)', async () => {
    const { one, store } = await openReplicas(redis)
    await one.join('a')
    const ahead = Date.now() * 1000 + 3_600_000_000
    await store.set('clock', ahead) // as if the lost master's time had been an hour ahead
    const lost = await one.publish('a')
    await waitToHear(one, lost.position)
    await store.rollBack(Date.now() * 1000)
    const { position } = await one.publish('a')
    expect(position).toBeGreaterThan(lost.position)
    await waitToHear(one, position)
  })

  test('what follows is delivered without a gap, and the rollback is counted (rule 13)', async () => {
    const { one, other, store } = await openReplicas(redis)
    await one.join('a')
    const kept = await other.publish('a')
    const lost = await other.publish('a')
    await waitToHear(one, lost.position)
    await store.lose('a', lost.position)
    await store.rollBack(kept.position)
    const { position } = await other.publish('a')
    await waitToHear(one, position)
    expect(deliveredTo(one)).toEqual([kept.position, lost.position, position])
    expect(one.missed).toEqual([])
    expect(one.metrics.rollbacks).toBe(1)
  })
})

test('what is forgotten leaves nothing but the fixed keys', async () => {
  const { other, store } = await openReplicas(redis, { maxAgeMs: SHORT_AGE_MS })
  for (let i = 0; i < 50; i += 1) await other.publish(`short-${i}`, { key: `${i}` })
  await other.publish('ended', { isEnd: true })
  const fixed = new Set(['clock', 'born', 'run', 'forgotten'].map((name) => store.prefix + name))
  const others = async () =>
    (await store.keys()).filter((key) => !fixed.has(key) && !key.includes('idem:'))
  expect((await others()).length).toBeGreaterThan(50)
  await waitFor('all to be gone', async () => (await others()).length === 0, DEADLINE_MS)
})
