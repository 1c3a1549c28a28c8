import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { SCRIPTS } from '../../../src/broker/redis/script.ts'
import { type Answer, type TestHub } from '../../support/hub.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'
import { expectAll, follow, startReplicas, startTraffic } from './replicas.ts'

vi.setConfig({ testTimeout: 90_000 }) // outages take their time, and a busy machine more

/** What one publish may take while Redis refuses: 2 s, with three times the slack. */
const SOON_MS = 6000

let redis: TestRedis

beforeEach(async () => {
  const durable = ['--appendonly', 'yes', '--appendfsync', 'always']
  const debuggable = ['--enable-debug-command', 'yes', '--rdbcompression', 'no']
  redis = await startRedis({ settings: [...durable, ...debuggable] })
})

afterEach(() => redis.stop())

/** Stores a message as the hub does, but nobody is told. */
async function storeSilently(hub: TestHub, channel: string, data: string): Promise<void> {
  const prefix = (await redis.client.keys('*:clock'))[0]!.replace(/clock$/, '')
  const runId = /run_id:(\w+)/.exec(await redis.client.info('server'))![1]!
  const script = SCRIPTS.publish.source.replace(/^ *redis\.call\('PUBLISH'.*$/m, '')
  expect(script).not.toBe(SCRIPTS.publish.source)
  const body = `data: ${data}\n`
  const limits = [10_000, 4_194_304, '', '', 1000, 'm', body, channel]
  await redis.client.eval(script, 1, `${prefix}clock`, prefix, '0 0', runId, 3_600_000, ...limits)
  expect((await hub.get(`/channels/${channel}/history`)).text).toContain(data)
}

describe('streams stay open and miss nothing', () => {
  test('when Redis is killed and started again, with its data', async () => {
    const { followers, publishing } = await startTraffic([redis.port, redis.port])
    await redis.restart()
    await sleep(500)
    await publishing.stop()
    await expectAll(followers, publishing)
    expect(publishing.refusals.every((status) => status === 503)).toBe(true)
  })

  test('when Redis hangs', async () => {
    const { followers, publishing } = await startTraffic([redis.port, redis.port])
    await redis.hang()
    await sleep(10_000)
    await redis.goOn()
    await publishing.stop()
    await expectAll(followers, publishing)
    expect(publishing.slowestMs).toBeLessThan(SOON_MS)
  })

  test('when an announcement is lost: the next message of the channel tells', async () => {
    const [hub] = await startReplicas([redis.port])
    const { stream } = await follow(hub!, 'a')
    await storeSilently(hub!, 'a', 'lost')
    await hub!.send('a', 'next')
    await stream.waitForMessages(2, 2000) // long before a periodic comparison
    expect(stream.messages.map(({ data }) => data)).toEqual(['lost', 'next'])
    expect(stream.control('gap')).toEqual([])
  })

  test('when an announcement is lost and nothing follows: a comparison tells', async () => {
    const [hub] = await startReplicas([redis.port])
    const { stream } = await follow(hub!, 'a')
    await storeSilently(hub!, 'a', 'lost')
    await stream.waitForMessages(1, 20_000)
    expect(stream.messages.map(({ data }) => data)).toEqual(['lost'])
    expect(await hub!.metric('piazza_backfilled_messages_total')).toBe(1)
  })

  test('when an announcement is lost and another channel has passed: it comes without an id', async () => {
    const [hub] = await startReplicas([redis.port])
    const { stream } = await follow(hub!, 'a', 'b')
    await storeSilently(hub!, 'a', 'lost')
    await hub!.send('b', 'passed')
    await stream.waitForMessages(1)
    await hub!.send('a', 'next')
    await stream.waitForMessages(3)
    expect(stream.messages.map(({ data, id }) => [data, id === undefined])).toEqual([
      ['passed', false],
      ['lost', true],
      ['next', false],
    ])
  })
})

describe('what Redis has lost is told, and the hub goes on', () => {
  test.each(['FLUSHALL', 'a restart that comes back empty'])('%s', async (kind) => {
    const [hub, other] = await startReplicas([redis.port, redis.port])
    const followers = [await follow(hub!, 'a'), await follow(other!, 'quiet')]
    await hub!.send('a', 'before')
    await followers[0]!.stream.waitForMessages(1)
    if (kind === 'FLUSHALL') await redis.client.flushall()
    else await redis.restart({ isEmpty: true })
    for (const { stream } of followers) {
      await waitFor('the reset gap', () => stream.control('gap').length > 0, 20_000)
      const [gap] = stream.control('gap')
      expect(JSON.parse(gap!.data)).toMatchObject({ reason: 'reset', channels: null })
    }
    for (const [i, channel] of ['a', 'quiet'].entries()) {
      const { stream } = followers[i]!
      const before = stream.messages.length
      const id = await hub!.send(channel, 'after')
      await stream.waitForMessages(before + 1)
      expect(stream.messages.at(-1)!.id).toBe(id)
      expect(stream.control('gap')).toHaveLength(1)
      expect(stream.isClosed).toBe(false)
    }
  })
})

/** Breaks the server; what is returned mends it. */
type Break = (client: TestRedis['client']) => Promise<() => Promise<unknown>>

const REFUSALS: readonly (readonly [string, Break, RegExp])[] = [
  [
    'OOM',
    async (client) => {
      await client.config('SET', 'maxmemory', '1')
      return () => client.config('SET', 'maxmemory', '0')
    },
    /out of memory/,
  ],
  [
    'READONLY',
    async (client) => {
      await client.replicaof('127.0.0.1', 1)
      return () => client.replicaof('NO', 'ONE')
    },
    /^Redis is a replica now: nothing was stored/,
  ],
  [
    'BUSY',
    async (client) => {
      await client.config('SET', 'lua-time-limit', 100)
      const other = client.duplicate()
      onTestFinished(() => other.disconnect())
      const end = other.eval('while true do end', 0).catch((error: Error) => error.message)
      return async () => {
        await client.script('KILL')
        expect(await end).toMatch('killed')
      }
    },
    /busy with a script/,
  ],
  [
    'LOADING',
    async (client) => {
      await client.call('DEBUG', 'POPULATE', 150, 'any', 2048)
      await client.config('SET', 'loading-process-events-interval-bytes', 1024) // meanwhile it answers
      await client.config('SET', 'key-load-delay', 20_000) // so many microseconds
      const isLoaded = client.call('DEBUG', 'RELOAD')
      return () => isLoaded
    },
    /loading its data/,
  ],
]

describe('what Redis refuses is a 503 that says why, and passes: nothing is lost', () => {
  test.each(REFUSALS)('%s', async (_name, breakIt, words) => {
    const { hubs, followers, publishing } = await startTraffic([redis.port, redis.port])
    const mend = await breakIt(redis.client)
    let refused: Answer | undefined
    let slowestMs = 0
    await waitFor('a publish to be refused', async () => {
      const startedMs = performance.now()
      const answer = await hubs[0]!.publish({ channel: 'other', data: 'x' })
      slowestMs = Math.max(slowestMs, performance.now() - startedMs)
      if (words.test(answer.json.message as string)) refused = answer
      return refused !== undefined
    })
    const { status, headers, json } = refused!
    expect({ status, retryAfter: headers.get('retry-after'), code: json.code }).toEqual({
      status: 503,
      retryAfter: '1',
      code: 'PIAZZA_ERR_BROKER_UNAVAILABLE',
    })
    expect(slowestMs).toBeLessThan(SOON_MS)
    await waitFor('the traffic to be refused', () => publishing.refusals.length > 0)
    await mend()
    for (const hub of hubs) {
      await waitFor('publishing to go on', async () => {
        return (await hub.publish({ channel: 'other', data: 'x' })).status === 201
      })
    }
    await publishing.stop()
    await expectAll(followers, publishing)
    expect(publishing.refusals.every((refusal) => refusal === 503)).toBe(true)
    expect(publishing.slowestMs).toBeLessThan(SOON_MS)
  })
})
