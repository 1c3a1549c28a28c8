import { expect, onTestFinished, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { storeOf } from '../support/redis-store.ts'
import { startRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'

/** What is heard is fanned out in a later turn of the event loop, which does not come sooner. */
const TURN_MS = 100

async function startOverRedis(aheadMs: number): Promise<TestHub> {
  const redis = await startRedis({ isProcess: true })
  onTestFinished(() => redis.stop())
  const hub = await startHub({ PIAZZA_REDIS_URL: `redis://127.0.0.1:${redis.port}` })
  await waitFor('Redis to be reached', () => hub.app.broker.isReady)
  await storeOf(redis, '{piazza}:').set('clock', (Date.now() + aheadMs) * 1000)
  return hub
}

/** Each message that it hears takes a long turn. */
function slowDown({ app: { hub } }: TestHub): void {
  const deliver = hub.deliver.bind(hub)
  hub.deliver = (channel, message) => {
    deliver(channel, message)
    const startedMs = performance.now()
    while (performance.now() - startedMs < TURN_MS);
  }
}

// After a start of Redis positions are ahead of the time for a while, and the clocks of two machines always differ.
test.each([
  ['in memory', startHub],
  ['over Redis', () => startOverRedis(0)],
  ['over Redis whose time is ahead', () => startOverRedis(60_000)],
])('the lag of a delivery counts from when the hub heard the message, %s', async (_, start) => {
  const hub = await start()
  slowDown(hub)
  const stream = await openStream(hub.port, '/channels/a')
  await stream.waitForEvents(1)
  const startedMs = performance.now()
  for (let i = 0; i < 3; i += 1) {
    await hub.send('a', i)
    await stream.waitForMessages(i + 1)
  }
  const tookSeconds = (performance.now() - startedMs) / 1000
  expect(await hub.metric('piazza_delivery_lag_seconds_count')).toBe(3)
  const lag = await hub.metric('piazza_delivery_lag_seconds_sum')
  expect(lag).toBeGreaterThanOrEqual((3 * TURN_MS) / 1000)
  expect(lag).toBeLessThan(tookSeconds)
})
