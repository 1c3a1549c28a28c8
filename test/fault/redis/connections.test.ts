import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startFaultyProxy } from '../../support/faulty-proxy.ts'
import { openStream } from '../../support/raw-stream.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'
import { expectAll, follow, startReplicas, startTraffic } from './replicas.ts'

vi.setConfig({ testTimeout: 90_000 }) // outages take their time, and a busy machine more

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

describe('streams stay open and miss nothing', () => {
  test.each(['pubsub', 'normal'])(
    'when Redis kills its %s connections, again and again',
    async (type) => {
      const { followers, publishing, hubs } = await startTraffic([redis.port, redis.port])
      for (let i = 0; i < 5; i += 1) {
        await redis.client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
        await sleep(300)
      }
      await publishing.stop()
      await expectAll(followers, publishing)
      const name = type === 'pubsub' ? 'subscriber' : 'commands'
      const line = `piazza_broker_reconnects_total{connection="${name}"}`
      expect(await hubs[0]!.metric(line)).toBeGreaterThan(0)
    },
  )

  test('when the subscriber connection is deaf: a comparison finds it, and it is replaced', async () => {
    const proxy = await startFaultyProxy(redis.port)
    const [hub, other] = await startReplicas([proxy.port, redis.port])
    const { stream } = await follow(hub!, 'a')
    await hub!.send('a', 'heard')
    await stream.waitForMessages(1)
    proxy.deafen()
    const ids = [await other!.send('a', 'missed'), await hub!.send('a', 'missed, too')]
    await sleep(1000)
    expect(stream.messages).toHaveLength(1) // nothing but the comparison would tell
    await stream.waitForMessages(3, 30_000)
    expect(stream.messages.slice(1).map(({ id }) => id)).toEqual(ids)
    const line = 'piazza_broker_reconnects_total{connection="subscriber"}'
    expect(await hub!.metric(line)).toBe(1)
    const live = await other!.send('a', 'live')
    await stream.waitForMessages(4)
    expect(stream.messages.at(-1)!.id).toBe(live)
    expect(stream.control('gap')).toEqual([])
    expect(stream.isClosed).toBe(false)
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
