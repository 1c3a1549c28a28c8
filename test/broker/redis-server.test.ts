import net, { type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

/** What the hub warns of once it has reached Redis there. */
async function warningsAt(port: number): Promise<string[]> {
  const log: string[] = []
  const hub = await startHub({ PIAZZA_REDIS_URL: `redis://127.0.0.1:${port}` }, log)
  await waitFor('the hub to reach Redis', async () => (await hub.get('/readyz')).status === 200)
  const lines = log.map((line) => JSON.parse(line) as { level: number; msg: string })
  return lines.filter(({ level }) => level === 40).map(({ msg }) => msg)
}

/** A way to Redis on which it says that it is of another version. */
async function startLiar(target: number, version: string): Promise<number> {
  const server = net.createServer((client) => {
    const upstream = net.connect(target, '127.0.0.1')
    const close = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.on('error', close).on('close', close)
    client.on('data', (bytes) => upstream.write(bytes))
    upstream.on('data', (bytes) => {
      // no longer than it was: INFO is told with its length
      const text = bytes
        .toString('latin1')
        .replace(/redis_version:\d\.\d/, `redis_version:${version}`)
      client.write(text, 'latin1')
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const EVICTING =
  'redis may evict keys: messages could be lost without a gap event; set maxmemory-policy noeviction'
const TOO_OLD = 'this Redis is older than 6.2: it is not supported'

/** In containers where an engine answers, and the one that is installed. */
const IMAGES = process.env['TEST_DOCKER'] === '1' ? ['redis:7-alpine', 'redis:8-alpine'] : []

describe.each([...IMAGES, 'redis-server'])('at its start, of a %s, the hub', (kind) => {
  let redis: TestRedis

  beforeAll(async () => {
    redis = await startRedis(kind === 'redis-server' ? { isProcess: true } : { image: kind })
  })

  afterAll(() => redis.stop())

  test('has nothing to warn of', async () => {
    expect(await warningsAt(redis.port)).toEqual([])
  })

  test.each(['allkeys-lru', 'volatile-ttl'])('warns of the eviction policy %s', async (policy) => {
    await redis.client.config('SET', 'maxmemory-policy', policy)
    onTestFinished(async () => {
      await redis.client.config('SET', 'maxmemory-policy', 'noeviction')
    })
    expect(await warningsAt(redis.port)).toEqual([EVICTING])
  })

  test.each([
    ['5.0', [TOO_OLD]],
    ['6.0', [TOO_OLD]],
    ['6.2', []],
    ['7.0', []],
    ['9.1', []],
  ])('warns of a version that is too old: %s', async (version, expected) => {
    expect(await warningsAt(await startLiar(redis.port, version))).toEqual(expected)
  })
})
