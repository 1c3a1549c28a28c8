import { type Metrics } from '../metrics.ts'
import { type Broker } from './broker.ts'
import { type BrokerLog } from './broker-log.ts'
import { MemoryBroker } from './memory/memory-broker.ts'
import { RedisBroker } from './redis/redis-broker.ts'
import { type RedisAddress, type RedisSentinel, type RedisTarget } from './redis/redis-target.ts'
import { type RetentionLimits } from './retention.ts'

/** Where Redis is, as the settings say it. */
export interface RedisSettings {
  readonly url: RedisAddress & { readonly isTls: boolean }
  readonly prefix: string
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly sentinels: RedisSentinel['addresses']
  readonly sentinelMaster: string
  readonly sentinelPassword: string | undefined
}

export interface BrokerSettings extends RetentionLimits {
  readonly idempotencyMs: number
  readonly metrics: Metrics
  readonly log: BrokerLog
  /** Undefined: the hub is alone. */
  readonly redis: RedisSettings | undefined
}

/** The broker that the settings ask for. The only place that knows which there are. */
export function createBroker({ redis, ...options }: BrokerSettings): Broker {
  if (redis === undefined) return new MemoryBroker(options)
  const { database } = redis.url
  // The hash tag keeps all keys in one slot. Announcements know no databases: their names must.
  const prefix = database === 0 ? `{${redis.prefix}}:` : `{${redis.prefix}}:${database}:`
  const broker = new RedisBroker({ ...options, target: targetOf(redis), prefix })
  broker.start()
  return broker
}

function targetOf(redis: RedisSettings): RedisTarget {
  const { url, ca, cert, key, sentinels, sentinelMaster, sentinelPassword } = redis
  const { isTls, ...address } = url
  const hasSentinels = sentinels.length > 0
  return {
    ...address,
    ...(hasSentinels ? { host: undefined, port: undefined, path: undefined } : {}),
    tls: isTls ? { ca, cert, key } : undefined,
    sentinel: hasSentinels
      ? { addresses: sentinels, master: sentinelMaster, password: sentinelPassword }
      : undefined,
  }
}
