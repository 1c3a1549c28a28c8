import { setTimeout as sleep } from 'node:timers/promises'
import { once } from 'node:events'
import net from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type TestHub } from '../../support/hub.ts'
import { startFaultyProxy } from '../../support/faulty-proxy.ts'
import { countCalls, startRedis, type TestRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'
import { openBroker } from '../../broker/open-broker.ts'
import { createRedisBroker, newPrefix } from '../../broker/open-redis-broker.ts'
import { startReplicas } from './replicas.ts'

vi.setConfig({ testTimeout: 90_000 }) // outages take their time, and a busy machine more

const CHANNELS = 20_000
const STREAMS = 5000
const AT_ONCE = 250
/** Scripts that a replica runs for all its streams together: comparisons, baselines, reads. */
const FEW_SCRIPTS = 20
/** Clients that ask for the same within a second share the answer: here, two pages. */
const SCRIPTS_PER_SECOND = 4

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

interface Crowd {
  /** Streams that have heard this data. */
  heard(data: string): number
}

/** Many streams that keep no more than counts. */
async function openCrowd(hub: TestHub, path: string, count: number): Promise<Crowd> {
  const counts = new Map<string, number>()
  const sockets: net.Socket[] = []
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  const open = () => {
    const socket = net.connect(hub.port, '127.0.0.1')
    sockets.push(socket)
    let rest = ''
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      const lines = (rest + bytes.toString('latin1')).split('\n')
      rest = lines.pop()!
      for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1)
    })
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    return once(socket, 'data')
  }
  while (sockets.length < count) {
    await Promise.all(Array.from({ length: AT_ONCE }, open)) // no more than the system queues for a listener
  }
  return { heard: (data) => counts.get(`data: ${data}`) ?? 0 }
}

test('5,000 streams of one channel miss nothing of 3 s, and cost Redis as much as one', async () => {
  const proxy = await startFaultyProxy(redis.port)
  const [hub, other] = await startReplicas([proxy.port, redis.port])
  const crowd = await openCrowd(hub!, '/channels/a', STREAMS)
  const before = await countCalls(redis)
  proxy.cut()
  let published = 0
  for (let i = 0; i < 30; i += 1) {
    await other!.send('a', `missed-${i}`)
    published += 1
    await sleep(100)
  }
  proxy.mend()
  await waitFor('all to hear the last', () => crowd.heard('missed-29') === STREAMS, 60_000)
  for (let i = 0; i < 30; i += 1) expect(crowd.heard(`missed-${i}`), `${i}`).toBe(STREAMS)
  expect((await countCalls(redis)) - before - published).toBeLessThan(FEW_SCRIPTS)
}, 120_000)

test.each([
  ['a few messages ago', 10],
  ['longer ago than a replica knows when it begins', 600],
])(
  '5,000 clients that resume from %s cost Redis as much as one',
  async (_name, missed) => {
    const [other] = await startReplicas([redis.port])
    const start = await other!.send('a', 'start')
    const batch = Array.from({ length: missed }, (_, i) => ({ channel: 'a', data: `missed-${i}` }))
    for (let i = 0; i < missed; i += 1000) await other!.publish(batch.slice(i, i + 1000))
    const before = await countCalls(redis)
    const startedMs = performance.now()
    const crowd = await openCrowd(other!, `/channels/a?lastEventId=${start}`, STREAMS)
    const last = `missed-${missed - 1}`
    await waitFor('all to hear the last', () => crowd.heard(last) === STREAMS, 60_000)
    for (let i = 0; i < missed; i += 1) expect(crowd.heard(`missed-${i}`), `${i}`).toBe(STREAMS)
    const seconds = (performance.now() - startedMs) / 1000
    expect((await countCalls(redis)) - before).toBeLessThan(
      FEW_SCRIPTS + SCRIPTS_PER_SECOND * seconds,
    )
  },
  120_000,
)

test('20,000 channels: subscribed, cut, healed and left again, nothing stays behind', async () => {
  const prefix = newPrefix()
  const proxy = await startFaultyProxy(redis.port)
  const one = await openBroker((options) =>
    createRedisBroker(redis, options, { prefix, port: proxy.port }),
  )
  const other = await openBroker((options) => createRedisBroker(redis, options, { prefix }))
  const names = Array.from({ length: CHANNELS }, (_, i) => `channel-${i}`)
  const subscribed = async () =>
    ((await redis.client.pubsub('CHANNELS', `${prefix}live:*`)) as string[]).length
  const before = await countCalls(redis)
  const logs = names.map((name) => one.broker.subscribe(name))
  await Promise.all(logs.map((log) => one.broker.open([log], { kind: 'now' })))
  expect(await subscribed()).toBe(CHANNELS)
  expect((await countCalls(redis)) - before).toBeLessThan(CHANNELS / 64 + FEW_SCRIPTS)
  proxy.cut()
  await waitFor('the cut to be noticed', () => !one.broker.isConnected)
  const stored = new Set<number>()
  for (let i = 0; i < CHANNELS; i += 100) {
    stored.add((await other.publish(names[i]!)).position)
  }
  proxy.mend()
  const heard = () => one.delivered.filter(({ message }) => stored.has(message.position)).length
  await waitFor('what was missed', () => heard() === stored.size, 60_000)
  expect(one.missed).toEqual([])
  for (const name of names) one.broker.unsubscribe(name)
  await waitFor('all to be left', async () => (await subscribed()) === 0, 60_000)
  expect(await one.metrics.registry.metrics()).toMatch(/^piazza_log_bytes 0$/m)
}, 120_000)
