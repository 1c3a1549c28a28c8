import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Line, type Lines, startLines } from '../../support/lines.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'
import { expectAll, startTraffic, type Traffic, waitToReconnect } from './replicas.ts'

vi.setConfig({ testTimeout: 90_000 }) // outages take their time, and a busy machine more

let redis: TestRedis
let lines: Lines

beforeAll(async () => {
  redis = await startRedis()
  lines = await startLines(redis)
})

afterEach(async () => {
  for (const line of [lines.commands, lines.subscriber]) await line.mend()
})

afterAll(async () => {
  await lines.stop()
  await redis.stop()
})

type LineName = 'commands' | 'subscriber'

const BOTH: LineName[] = ['commands', 'subscriber']

/** The line that is broken, or both. */
describe.each<[string, LineName[]]>([
  ['commands connection', ['commands']],
  ['subscriber connection', ['subscriber']],
  ['connections', BOTH],
])('streams stay open and miss nothing when, of one replica, the %s', (_name, names) => {
  const each = async (act: (line: Line) => void | Promise<void>) => {
    for (const name of names) await act(lines[name])
  }

  test('is cut for a while', async () => {
    const { hubs, followers, publishing } = await startTraffic([lines.port, redis.port])
    await each((line) => line.cut())
    await sleep(2000)
    await each((line) => line.mend())
    await publishing.stop()
    await expectAll(followers, publishing)
    for (const name of names) await waitToReconnect(hubs[0]!, name)
    if (names.includes('subscriber')) {
      expect(await hubs[0]!.metric('piazza_backfilled_messages_total')).toBeGreaterThan(0)
    }
    expect(publishing.refusals.every((status) => status === 503)).toBe(true)
    expect(publishing.slowestMs).toBeLessThan(6000) // 2 s, with three times the slack
  })

  test('is half open: nothing comes, and nobody is told', async () => {
    const { hubs, followers, publishing } = await startTraffic([lines.port, redis.port])
    await each((line) => line.freeze())
    for (const name of names) {
      const line = `piazza_broker_connected{connection="${name}"}`
      const isFound = async () => (await hubs[0]!.metric(line)) === 0
      await waitFor(`the hub to find the ${name}`, isFound, 20_000)
      await lines[name].mend() // a deaf subscriber is found by a comparison, which needs the commands
    }
    await publishing.stop()
    await expectAll(followers, publishing)
    for (const name of names) await waitToReconnect(hubs[0]!, name)
    expect(publishing.refusals.every((status) => status === 503)).toBe(true)
    expect(publishing.slowestMs).toBeLessThan(6000)
  })

  test.each<[string, (line: Line) => void | Promise<void>, { bytes: number; takesMs: number }]>([
    // there and back
    ['is a second long', (line) => line.delay(500), { bytes: 10, takesMs: 480 }],
    ['is narrow', (line) => line.limit(50_000), { bytes: 35_000, takesMs: 500 }],
    ['gives bytes a few at a time', (line) => line.slice(), { bytes: 8000, takesMs: 75 }],
  ])('%s', async (_fault, act, { bytes, takesMs }) => {
    const traffic = await startTraffic([lines.port, redis.port])
    await each(act)
    expect(await measure(traffic, 'x'.repeat(bytes))).toBeGreaterThan(takesMs) // it is
    await sleep(2000)
    await traffic.publishing.stop()
    await expectAll(traffic.followers, traffic.publishing)
    expect(traffic.publishing.refusals.every((status) => status === 503)).toBe(true)
  })
})

/** Publishes through the replica whose lines are broken; the time until a stream of it hears, ms. */
async function measure({ hubs, followers, publishing }: Traffic, data: string): Promise<number> {
  const { stream } = followers[0]!
  const startedMs = performance.now()
  const id = await hubs[0]!.send('a', data)
  publishing.stored.get('a')!.push(id)
  await waitFor('it to be heard', () => stream.messages.some((event) => event.id === id))
  return performance.now() - startedMs
}
