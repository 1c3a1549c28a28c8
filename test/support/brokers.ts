import { onTestFinished } from 'vitest'
import { startHub, type TestHub } from './hub.ts'
import { startRedis } from './redis.ts'
import { waitFor } from './wait.ts'

/** What must be the same whatever stores the messages. */
export const BROKERS = ['memory', 'redis'] as const

/** A hub over a broker of its own, ready to take streams. */
export async function startHubOver(
  broker: (typeof BROKERS)[number],
  settings: Record<string, string> = {},
): Promise<TestHub> {
  if (broker === 'memory') return startHub(settings)
  const redis = await startRedis({ isProcess: true })
  onTestFinished(() => redis.stop())
  const hub = await startHub({
    PIAZZA_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    ...settings,
  })
  await waitFor('Redis to be reached', () => hub.app.broker.isReady)
  return hub
}
