import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type ComparisonReason, Healing } from '../../../src/broker/redis/healing.ts'
import { startFaultyProxy } from '../../support/faulty-proxy.ts'
import { openStream } from '../../support/raw-stream.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'
import { expectAll, follow, startReplicas, startTraffic, waitToReconnect } from './replicas.ts'

vi.setConfig({ testTimeout: 90_000 }) // outages take their time, and a busy machine more

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

const TIMES = 5

describe('streams stay open and miss nothing, again and again', () => {
  test.each([
    ['pubsub', 'subscriber'],
    ['normal', 'commands'],
  ] as const)('when Redis kills its %s connections', async (type, name) => {
    const { followers, publishing, hubs } = await startTraffic([redis.port, redis.port])
    for (let i = 1; i <= TIMES; i += 1) {
      await redis.client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
      for (const hub of hubs) await waitToReconnect(hub, name, i)
    }
    await publishing.stop()
    await expectAll(followers, publishing)
  })

  test('when Redis drops a subscriber that has more waiting than its output buffer may hold', async () => {
    const { followers, publishing, hubs } = await startTraffic([redis.port, redis.port])
    const limit = 'client-output-buffer-limit'
    const [, usual] = (await redis.client.config('GET', limit)) as [string, string]
    onTestFinished(async () => {
      await redis.client.config('SET', limit, usual)
    })
    await redis.client.config('SET', limit, 'pubsub 16kb 16kb 0')
    for (let i = 1; i <= TIMES; i += 1) {
      const id = await hubs[i % 2]!.send('a', 'x'.repeat(100_000))
      publishing.stored.get('a')!.push(id)
      for (const hub of hubs) await waitToReconnect(hub, 'subscriber', i)
    }
    await publishing.stop()
    await expectAll(followers, publishing)
    expect(publishing.refusals).toEqual([]) // the other connection has no such limit
  })
})

/** A stream of a hub whose subscriber has become deaf, and a message that it lacks. */
async function startDeaf() {
  const proxy = await startFaultyProxy(redis.port)
  const settings = { PIAZZA_LOG_MAX_AGE: '8s' } // compares every second or so
  const [hub, other] = await startReplicas([proxy.port, redis.port], settings)
  const { stream } = await follow(hub!, 'a')
  await hub!.send('a', 'heard')
  await stream.waitForMessages(1)
  proxy.deafen()
  return { hub: hub!, other: other!, stream }
}
const RECONNECTS = 'piazza_broker_reconnects_total{connection="subscriber"}'
/** A comparison every 1 to 1.5 s, and 3 s for its fence: twice that. */
const HEALED_MS = 10_000

describe('a subscriber connection that is deaf', () => {
  test('is found by the next comparison, and replaced', async () => {
    const { hub, other, stream } = await startDeaf()
    const ids = [await other.send('a', 'missed'), await hub.send('a', 'missed, too')]
    await stream.waitForMessages(3, HEALED_MS)
    expect(stream.messages.slice(1).map(({ id }) => id)).toEqual(ids)
    expect(await hub.metric(RECONNECTS)).toBe(1)
    const live = await other.send('a', 'live')
    await stream.waitForMessages(4)
    expect(stream.messages.at(-1)!.id).toBe(live)
    expect(stream.control('gap')).toEqual([])
    expect(stream.isClosed).toBe(false)
  })

  test('starves its streams in the same time where nothing is compared', async () => {
    compareNothingPeriodically()
    const { hub, other, stream } = await startDeaf()
    await other.send('a', 'missed')
    await expect(stream.waitForMessages(2, HEALED_MS)).rejects.toThrow('in vain')
    expect(await hub.metric(RECONNECTS)).toBe(0)
  })
})

describe('while Redis is away', () => {
  test('a stream is accepted, and served when it is back, with nothing missed from before', async () => {
    const proxy = await startFaultyProxy(redis.port)
    const [hub, other] = await startReplicas([proxy.port, redis.port])
    const before = await follow(hub!, 'a')
    const id = await hub!.send('a', 'before')
    await before.stream.waitForMessages(1)
    proxy.cut()
    await waitFor('the outage to be noticed', async () => {
      return (await hub!.metric('piazza_broker_connected{connection="subscriber"}')) === 0
    })
    const missed = await other!.send('a', 'missed')
    const fresh = await follow(hub!, 'fresh')
    const resumed = await openStream(hub!.port, `/channels/a?lastEventId=${id}`)
    for (const stream of [fresh.stream, resumed]) {
      expect(stream.status).toBe(200)
      await waitFor('retry', () => stream.retry !== undefined)
      expect(stream.events).toEqual([])
    }
    const { status, headers } = await hub!.publish({ channel: 'a', data: 'refused' })
    expect({ status, retryAfter: headers.get('retry-after') }).toEqual({
      status: 503,
      retryAfter: '1',
    })
    expect((await hub!.get('/readyz')).json.checks.broker).toBe('degraded')
    proxy.mend()
    await resumed.waitForMessages(1)
    expect(resumed.messages.map((event) => event.id)).toEqual([missed])
    expect(resumed.control('open')).toHaveLength(1)
    await waitFor('the opening block', () => fresh.stream.control('open').length === 1)
    const live = await hub!.send('fresh', 'live')
    await fresh.stream.waitForMessages(1)
    expect(fresh.stream.messages.map((event) => event.id)).toEqual([live])
    await before.stream.waitForMessages(2)
    expect(before.stream.messages.map((event) => event.id)).toEqual([id, missed])
    expect(resumed.control('gap')).toEqual([])
  })
})

/** Until the test ends. */
function compareNothingPeriodically(): void {
  const usual = Object.getOwnPropertyDescriptor(Healing.prototype, 'start')!
  const start = usual.value as (this: Healing, reason: ComparisonReason) => void
  onTestFinished(() => {
    Object.defineProperty(Healing.prototype, 'start', usual)
  })
  Object.defineProperty(Healing.prototype, 'start', {
    ...usual,
    value(this: Healing, reason: ComparisonReason) {
      if (reason !== 'periodic') start.call(this, reason)
    },
  })
}
