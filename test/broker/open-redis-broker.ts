import { type Broker } from '../../src/broker/broker.ts'
import { RedisBroker } from '../../src/broker/redis/redis-broker.ts'
import { settle, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'
import { type BrokerOptions, hasHeardAll } from './open-broker.ts'

let stores = 0

export interface RedisPlace {
  /** Another's: they share a store. */
  readonly prefix?: string
  /** Of a proxy before Redis. */
  readonly port?: number
  /** As whom it is asked, where that is not the default user. */
  /** Of its local logs. */
  readonly totalBytes?: number
  readonly username?: string
  readonly password?: string
}

/** Of a store that nobody else has. */
export function newPrefix(): string {
  stores += 1
  return `{test-${process.pid}-${stores}}:`
}

/** A broker with an empty store of its own in this Redis, unless it is told where. */
export async function createRedisBroker(
  redis: TestRedis,
  options: BrokerOptions,
  {
    prefix = newPrefix(),
    port = redis.port,
    totalBytes = 256 * 1024 * 1024,
    username,
    password,
  }: RedisPlace = {},
): Promise<Broker> {
  if ((await redis.client.exists(`${prefix}run`)) === 0) await settle(redis, prefix)
  const broker = new RedisBroker({
    ...options,
    totalBytes,
    prefix,
    target: {
      host: '127.0.0.1',
      port,
      path: undefined,
      username,
      password,
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
