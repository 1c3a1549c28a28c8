import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { storeOf } from '../support/redis-store.ts'
import { waitFor } from '../support/wait.ts'
import { openBroker, requestOf } from './open-broker.ts'
import { createRedisBroker, newPrefix } from './open-redis-broker.ts'

/** A million by `npm run short-lived`. */
const CHANNELS = Number(process.env['SHORT_LIVED_CHANNELS'] ?? 20_000)
const MAX_AGE_MS = 4000
const AT_ONCE = 500
/** The latest message ages, and is forgotten by comparisons; on a busy machine these come late. */
const SLACK_MS = 2000

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

test(
  `${CHANNELS} short-lived channels leave, twice their max age later, only the few fixed keys`,
  async () => {
    const prefix = newPrefix()
    const store = storeOf(redis, prefix)
    const { broker } = await openBroker(
      (options) => createRedisBroker(redis, options, { prefix }),
      {
        maxAgeMs: MAX_AGE_MS,
        idempotencyMs: MAX_AGE_MS,
      },
    )
    const before = await usedMemory()
    let peak = before
    const startedMs = performance.now()
    for (let i = 0; i < CHANNELS; i += AT_ONCE) {
      const requests = Array.from({ length: AT_ONCE }, (_, j) => {
        const channel = `session.${i + j}`
        return requestOf([channel], { data: 'an answer', isEnd: j % 2 === 0, key: channel })
      })
      const results = await broker.publish(requests)
      expect(results.filter((result) => 'error' in result)).toEqual([])
      if (i % (100 * AT_ONCE) === 0) peak = Math.max(peak, await usedMemory())
    }
    peak = Math.max(peak, await usedMemory())
    const publishedMs = performance.now() - startedMs
    expect(await store.count()).toBeGreaterThan(1000) // there is something to forget
    const fixed = ['born', 'clock', 'forgotten', 'run'].map((name) => prefix + name)
    const isGone = async () => (await store.count()) === fixed.length
    await waitFor('all to be gone', isGone, 2 * MAX_AGE_MS + SLACK_MS)
    const goneMs = performance.now() - startedMs - publishedMs
    expect((await store.keys()).sort()).toEqual(fixed)
    const after = await usedMemory()
    console.log(
      `${CHANNELS} channels in ${Math.round(publishedMs)} ms, gone ${Math.round(goneMs)} ms later; ` +
        `Redis used ${before} bytes before, ${peak} at the most, ${after} after`,
    )
    expect(after - before).toBeLessThan(2 * 1024 * 1024)
  },
  CHANNELS * 2 + 60_000,
)

async function usedMemory(): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.client.info('memory'))![1])
}
