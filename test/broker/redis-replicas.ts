import { type Position } from '../../src/position.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { type TestRedis } from '../support/redis.ts'
import { type RedisStore, storeOf } from '../support/redis-store.ts'
import { waitFor } from '../support/wait.ts'
import { type BrokerOptions, type BrokerUnderTest, openBroker } from './open-broker.ts'
import { createRedisBroker, newPrefix, type RedisPlace } from './open-redis-broker.ts'

/** For what a periodic comparison finds. */
export const DEADLINE_MS = 15_000

/** Two brokers on one store. */
export interface Replicas {
  readonly store: RedisStore
  /** Reached through the proxy. */
  readonly one: BrokerUnderTest
  readonly other: BrokerUnderTest
  readonly proxy: FaultyProxy
  /** One more, that has heard nothing yet. */
  readonly fresh: () => Promise<BrokerUnderTest>
}

export async function openReplicas(
  redis: TestRedis,
  options: Partial<BrokerOptions> = {},
  place: Pick<RedisPlace, 'totalBytes'> = {},
): Promise<Replicas> {
  const prefix = newPrefix()
  const proxy = await startFaultyProxy(redis.port)
  const open = (port: number) =>
    openBroker((all) => createRedisBroker(redis, all, { ...place, prefix, port }), options)
  return {
    store: storeOf(redis, prefix),
    one: await open(proxy.port),
    other: await open(redis.port),
    proxy,
    fresh: () => open(redis.port),
  }
}

/** What was delivered of all channels, in the order in which it came. */
export function deliveredTo({ delivered }: BrokerUnderTest): Position[] {
  return delivered.map(({ message }) => message.position)
}

export async function waitToHear(
  replica: BrokerUnderTest,
  ...positions: Position[]
): Promise<void> {
  const label = `${positions.join()} to be heard`
  const isHeard = () => positions.every((one) => deliveredTo(replica).includes(one))
  await waitFor(label, isHeard, DEADLINE_MS)
}

/** Publishes to a channel, and waits until Redis has forgotten all that it had. */
export async function forget({ other, store }: Replicas, channel: string): Promise<void> {
  const { position } = await other.publish(channel)
  const isForgotten = async () => {
    await other.publish('clock')
    return Number(await store.get('forgotten')) >= position
  }
  await waitFor(`${channel} to be forgotten`, isForgotten, DEADLINE_MS)
}

export async function cutOff({ proxy, one }: Replicas): Promise<void> {
  proxy.cut()
  await waitFor('the cut to be noticed', () => !one.broker.isConnected)
}
