import { type Broker } from '../../src/broker/broker.ts'
import { RedisBroker } from '../../src/broker/redis/redis-broker.ts'
import { settle, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'
import { type BrokerOptions, hasHeardAll } from './open-broker.ts'

let stores = 0

/** A broker with an empty store of its own in this Redis: each has another prefix. */
export async function createRedisBroker(redis: TestRedis, options: BrokerOptions): Promise<Broker> {
  stores += 1
  const prefix = `{test-${process.pid}-${stores}}:`
  await settle(redis, prefix)
  const broker = new RedisBroker({
    ...options,
    totalBytes: 256 * 1024 * 1024,
    prefix,
    target: {
      host: '127.0.0.1',
      port: redis.port,
      path: undefined,
      username: undefined,
      password: undefined,
      database: 0,
      tls: undefined,
      sentinel: undefined,
    },
    log: { info: () => {}, warn: (fields, message) => console.log(message, fields) },
  })
  hasHeardAll.set(broker, async (log) => {
    const [last, deletedAt] = await Promise.all([
      redis.client.zscore(`${prefix}channels`, log.channel),
      redis.client.zscore(`${prefix}deleted`, log.channel),
    ])
    return log.isDeleted || log.end >= Math.max(Number(last), Number(deletedAt))
  })
  broker.start()
  await waitFor('the broker to reach Redis', () => broker.isReady)
  return broker
}
