import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startFaultyProxy } from '../../support/faulty-proxy.ts'
import { openStream } from '../../support/raw-stream.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'
import { openBroker, requestOf } from '../../broker/open-broker.ts'
import { createRedisBroker, newPrefix } from '../../broker/open-redis-broker.ts'
import { follow, startReplicas } from './replicas.ts'

vi.setConfig({ testTimeout: 90_000 }) // outages take their time, and a busy machine more

/** What one publish, or a stop, may take while Redis says nothing: 2 s, with slack for a busy machine. */
const SOON_MS = 5000

let redis: TestRedis

beforeEach(async () => {
  redis = await startRedis()
})

afterEach(() => redis.stop())

/** Sizes of what is published while the gate is closed, which holds 8 MiB. */
const TOO_MUCH: readonly (readonly [string, readonly number[]])[] = [
  ['and more of it follows', Array.from({ length: 100 }, () => 120_000)],
  ['by the last', [...Array.from({ length: 8 }, () => 1_040_000), 120_000]], // no hole would tell
]

test.each(TOO_MUCH)('more than the gate can hold is read back (%s)', async (_name, sizes) => {
  const prefix = newPrefix()
  const proxy = await startFaultyProxy(redis.port)
  const one = await openBroker((options) =>
    createRedisBroker(redis, options, { prefix, port: proxy.port }),
  )
  const other = await openBroker((options) => createRedisBroker(redis, options, { prefix }))
  await one.join('a', 'b')
  proxy.hold('replies')
  await redis.client.call('CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes')
  await waitFor('the comparison to be answered', () => proxy.heldPieces > 0)
  const stored: number[] = []
  for (const [i, size] of sizes.entries()) {
    const data = `${i} ${'x'.repeat(size)}`
    stored.push((await other.publish(i % 2 === 0 ? 'a' : 'b', { data })).position)
  }
  await sleep(200) // nothing tells what waits at the gate
  proxy.release('replies')
  await waitFor('all to be heard', () => one.delivered.length >= stored.length, 3500)
  expect(one.delivered.map(({ message }) => message.position)).toEqual(stored)
  expect(one.missed).toEqual([])
  expect(one.metrics.messagesBackfilled).toBeGreaterThan(0)
})

test('a batch of many pieces is refused as soon as one message is, when every answer comes too late', async () => {
  const proxy = await startFaultyProxy(redis.port)
  const one = await openBroker((options) => createRedisBroker(redis, options, { port: proxy.port }))
  let answers = 0
  const count = () => {
    answers += 1
  }
  const keepBusy = setInterval(() => void one.publish('other').then(count, () => {}), 200)
  onTestFinished(() => clearInterval(keepBusy))
  proxy.delay(700) // there and back in 1.4 s: just in time
  await waitFor('answers', () => answers > 5)
  proxy.delay(950) // too late, on a connection that is never silent for long
  const startedMs = performance.now()
  const data = 'x'.repeat(1024 * 1024) // each is a piece of its own
  const results = await one.broker.publish(
    Array.from({ length: 8 }, () => requestOf('a', { data })),
  )
  expect(performance.now() - startedMs).toBeLessThan(SOON_MS)
  expect(results).toHaveLength(8)
  for (const result of results) {
    expect(result).toMatchObject({ error: { code: 'PIAZZA_ERR_BROKER_UNAVAILABLE' } })
  }
})

test('a batch whose pieces are all just in time is not in time itself: the rest is refused', async () => {
  const proxy = await startFaultyProxy(redis.port)
  const one = await openBroker((options) => createRedisBroker(redis, options, { port: proxy.port }))
  proxy.delay(350) // there and back in 0.7 s
  const startedMs = performance.now()
  const results = await one.broker.publish(
    Array.from({ length: 1000 }, () => requestOf('a', { data: 'x' })), // ten pieces
  )
  expect(performance.now() - startedMs).toBeLessThan(SOON_MS)
  const refused = results.findIndex((result) => 'error' in result)
  expect(refused).toBeGreaterThanOrEqual(100)
  for (const [i, result] of results.entries()) {
    if (i < refused) expect(result).toHaveProperty('position')
    else expect(result).toMatchObject({ error: { code: 'PIAZZA_ERR_BROKER_UNAVAILABLE' } })
  }
})

test('a subscribe that is on its way when the hub stops is sent away like a stream', async () => {
  const proxy = await startFaultyProxy(redis.port)
  const [hub] = await startReplicas([proxy.port])
  proxy.cut()
  const subscribing = openStream(hub!.port, '/channels/a')
  await waitFor('the subscribe to be on its way', () => hub!.app.hub.streamCount === 1)
  await hub!.app.close(0)
  const stream = await subscribing
  await waitFor('its end', () => stream.isClosed)
  expect(stream.control('close').map(({ data }) => data)).toEqual(['{"reason":"drain"}'])
})

describe.each(['cut off', 'hanging'])('while Redis is %s', (kind) => {
  async function startAway() {
    const proxy = await startFaultyProxy(redis.port)
    const [hub] = await startReplicas([proxy.port])
    const open = await follow(hub!, 'a')
    const goAway = () => (kind === 'hanging' ? proxy.freeze() : proxy.cut())
    goAway()
    await waitFor('the outage to be noticed', async () => {
      return (await hub!.metric('piazza_broker_connected{connection="commands"}')) === 0
    })
    return { hub: hub!, proxy, open }
  }

  test('a hub stops in time, with streams open, waiting to open, and publishes under way', async () => {
    const { hub, open } = await startAway()
    const waiting = await openStream(hub.port, '/channels/b?lastEventId=0zzzzzzzzz0')
    const isUnderWay = once(hub.app.http.server, 'request')
    const publish = hub.publish({ channel: 'a', data: 'refused' })
    await isUnderWay
    const startedMs = performance.now()
    await hub.app.close(300)
    expect(performance.now() - startedMs).toBeLessThan(SOON_MS)
    expect((await publish).status).toBe(503)
    for (const stream of [open.stream, waiting]) {
      expect(stream.control('close').map(({ data }) => JSON.parse(data).reason)).toEqual(['drain'])
      expect(stream.isComplete).toBe(true)
    }
    expect(waiting.control('close')[0]!.id).toBeUndefined() // no position is told before it is proved
  })

  test('streams that open and leave again leave nothing behind', async () => {
    const { hub, proxy, open } = await startAway()
    for (let i = 0; i < 50; i += 1) {
      const stream = await openStream(hub.port, `/channels/gone-${i}`)
      stream.close()
    }
    await waitFor('them to be gone', async () => (await hub.metric('piazza_streams')) === 1)
    proxy.mend()
    const id = await waitToPublish(hub, 'a')
    await open.stream.waitForMessages(1)
    expect(open.stream.messages[0]!.id).toBe(id)
    await waitFor('their channels to be left', async () => {
      return ((await redis.client.pubsub('CHANNELS', '*live:gone-*')) as string[]).length === 0
    })
    await waitFor('their logs to be dropped', async () => {
      return (await hub.metric('piazza_log_bytes')) < 1000 // that of `a`: some 640, and each other takes 470
    })
  })

  test('looking in is refused in time', async () => {
    const { hub } = await startAway()
    for (const path of ['/channels', '/channels/a/history', '/channels/a/stats']) {
      const startedMs = performance.now()
      const { status, headers } = await hub.get(path)
      expect({ path, status, retryAfter: headers.get('retry-after') }).toEqual({
        path,
        status: 503,
        retryAfter: '1',
      })
      expect(performance.now() - startedMs).toBeLessThan(SOON_MS)
    }
  })
})

async function waitToPublish(hub: Parameters<typeof follow>[0], channel: string): Promise<string> {
  let id: string | undefined
  await waitFor('a publish to be stored', async () => {
    const { status, json } = await hub.publish({ channel, data: 'x', idempotencyKey: 'one' })
    if (status === 200 || status === 201) id = json.id
    return id !== undefined
  })
  return id!
}

describe('over replicas', () => {
  test('a DELETE ends the streams of all, and closes the name on all', async () => {
    const hubs = await startReplicas([redis.port, redis.port])
    const streams = [await follow(hubs[0]!, 'a'), await follow(hubs[1]!, 'a')]
    const several = await follow(hubs[1]!, 'a', 'b')
    await hubs[0]!.send('a', 'before')
    for (const { stream } of [...streams, several]) await stream.waitForMessages(1)
    const { status } = await fetch(`${hubs[1]!.url}/channels/a`, { method: 'DELETE' })
    expect(status).toBe(204)
    for (const { stream } of streams) {
      await stream.waitForClose()
      const [close] = stream.control('close')
      expect(JSON.parse(close!.data)).toEqual({ reason: 'deleted' })
    }
    await waitFor('its end', () => several.stream.control('end').length === 1)
    for (const hub of hubs) {
      expect((await openStream(hub.port, '/channels/a')).status).toBe(204)
      expect((await hub.publish({ channel: 'a', data: 'refused' })).status).toBe(409)
      expect((await hub.get('/channels/a/history')).json.messages).toEqual([])
    }
    await hubs[0]!.send('b', 'after')
    await several.stream.waitForMessages(2)
    expect(several.stream.control('gap')).toEqual([])
  })

  test('a DELETE that a replica was cut off from is told in its place', async () => {
    const proxy = await startFaultyProxy(redis.port)
    const [hub, other] = await startReplicas([proxy.port, redis.port])
    const { stream } = await follow(hub!, 'a', 'b')
    await other!.send('a', 'before')
    await stream.waitForMessages(1)
    proxy.cut()
    await waitFor('the cut to be noticed', async () => {
      return (await hub!.metric('piazza_broker_connected{connection="subscriber"}')) === 0
    })
    const ids = [await other!.send('b', 'one')]
    await fetch(`${other!.url}/channels/a`, { method: 'DELETE' })
    ids.push(await other!.send('b', 'two'))
    proxy.mend()
    await stream.waitForMessages(3)
    const events = stream.events.slice(2).map(({ event, id }) => event ?? id)
    expect(events).toEqual([ids[0], 'piazza.end', ids[1]])
  })

  test('an ephemeral message reaches the streams of all, and is stored nowhere', async () => {
    const hubs = await startReplicas([redis.port, redis.port])
    const streams = [await follow(hubs[0]!, 'a'), await follow(hubs[1]!, 'a', 'b')]
    const { status } = await hubs[0]!.publish({
      channels: ['a', 'b'],
      data: 'passing',
      ephemeral: true,
    })
    expect(status).toBe(202)
    const id = await hubs[1]!.send('a', 'kept')
    for (const { stream } of streams) {
      await stream.waitForMessages(2)
      expect(stream.messages.map(({ data, id: told }) => [data, told])).toEqual([
        ['passing', undefined],
        ['kept', id],
      ])
    }
    expect((await hubs[1]!.get('/channels/a/history')).json.messages).toHaveLength(1)
  })

  test('history, list and stats tell the same on all, and count the streams of each', async () => {
    const hubs = await startReplicas([redis.port, redis.port])
    const { stream } = await follow(hubs[0]!, 'a')
    const ids = [await hubs[0]!.send('a', 'one'), await hubs[1]!.send('a', 'two')]
    await hubs[1]!.send('b', 'three')
    await stream.waitForMessages(2)
    const histories = await Promise.all(hubs.map((hub) => hub.get('/channels/a/history')))
    for (const { json } of histories) {
      expect(json).toMatchObject({ complete: true, more: false, lastId: ids[1] })
      expect(json.messages.map((one: { id: string }) => one.id)).toEqual(ids)
    }
    const streams: number[] = []
    for (const hub of hubs) {
      const { json } = await hub.get('/channels/a/stats')
      expect(json).toMatchObject({ name: 'a', lastId: ids[1], messages: 2, ended: false })
      streams.push(json.streams as number)
      const list = (await hub.get('/channels')).json.channels
      expect(list.map((one: { name: string }) => one.name)).toEqual(['b', 'a'])
    }
    expect(streams).toEqual([1, 0])
  })
})
