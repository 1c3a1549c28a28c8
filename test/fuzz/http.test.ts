import * as fc from 'fast-check'
import { test } from 'vitest'
import { startRedis } from '../support/redis.ts'
import { fuzzedConnection } from './connection.ts'
import { FuzzedHub } from './fuzzed-hub.ts'
import { drawSeed } from './seed.ts'

/** So long it goes on. */
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 10)
const SHARE_OVER_REDIS = 0.3
/** Goes straight to the failure that fast-check named so. */
const PATH = process.env['FUZZ_PATH']
/** Clients at a time. */
const CROWD = 20
const CROWDS_PER_ROUND = 20

async function fuzz(settings: Record<string, string>, seconds: number): Promise<void> {
  let hub = await FuzzedHub.start(settings)
  const crowd = fc.array(fuzzedConnection, { minLength: 1, maxLength: CROWD, size: 'max' })
  const property = fc.asyncProperty(crowd, async (connections) => {
    if (hub.hasEnded) hub = await FuzzedHub.start(settings) // while it is shrunk what ended the last one
    await hub.play(connections)
  })
  const path = PATH === undefined ? {} : { path: PATH }
  const startedMs = performance.now()
  // A round has a seed of its own: fast-check's limit of time would leave the last crowd alone.
  for (let seed = drawSeed('http'); performance.now() - startedMs < seconds * 1000; seed += 1) {
    await fc.assert(property, { seed, ...path, numRuns: CROWDS_PER_ROUND })
  }
  console.log(`${hub.connections} connections in ${seconds} s`)
  await hub.finish()
}

const deadlineMs = (seconds: number) => (seconds + 60) * 2000

test(
  'nonsense of any kind is answered as the contract says, and leaves nothing behind',
  async () => {
    await fuzz({}, SECONDS)
  },
  deadlineMs(SECONDS),
)

test(
  'over Redis too',
  async ({ onTestFinished }) => {
    const redis = await startRedis()
    onTestFinished(() => redis.stop())
    const seconds = SECONDS * SHARE_OVER_REDIS
    await fuzz({ PIAZZA_REDIS_URL: `redis://127.0.0.1:${redis.port}` }, seconds)
  },
  deadlineMs(SECONDS),
)
