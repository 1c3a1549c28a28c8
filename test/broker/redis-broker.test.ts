import { afterAll, beforeAll, describe } from 'vitest'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { describeBroker } from './broker-contract.ts'
import { createRedisBroker } from './open-redis-broker.ts'

/** Two versions in containers where an engine answers, and the one that is installed. */
const IMAGES = process.env['TEST_DOCKER'] === '1' ? ['redis:7-alpine', 'redis:8-alpine'] : []

describe.each([...IMAGES, 'redis-server'])('%s', (kind) => {
  let redis: TestRedis

  beforeAll(async () => {
    redis = await startRedis(kind === 'redis-server' ? { isProcess: true } : { image: kind })
  })

  afterAll(() => redis.stop())

  describeBroker('the Redis broker', (options) => createRedisBroker(redis, options))
})
