import { SCRIPTS } from '../../src/broker/redis/script.ts'
import { type Position } from '../../src/position.ts'
import { type TestRedis } from './redis.ts'

/** What hubs keep in Redis under one prefix, for tests that meddle with it. */
export interface RedisStore {
  readonly prefix: string
  /** Stores a message as a hub does, but nobody is told. */
  storeSilently(channel: string, data: string): Promise<Position>
  /** Stores and announces a message that is gone when somebody reads it. */
  publishAndDrop(channel: string): Promise<Position>
  /** Tells what was stored silently. */
  announce(channel: string, position: Position): Promise<void>
  get(name: string): Promise<string | null>
  set(name: string, value: string | number): Promise<void>
  expire(name: string, ms: number): Promise<void>
  /** As a new master that has not seen what was later: others are sure to take it for another process. */
  rollBack(to: Position): Promise<void>
  /** Removes one message as if it had never been replicated. */
  lose(channel: string, position: Position): Promise<void>
  /** Everything. */
  empty(): Promise<void>
  /** Streams of how many replicas hear it. */
  subscribers(channel: string): Promise<number>
  /** Names of all keys. */
  keys(): Promise<string[]>
  /** Of all keys of the server that were not dropped yet. */
  count(): Promise<number>
  /** Drops what Redis holds of a channel, as if it had expired. */
  dropLog(channel: string): Promise<void>
}

const ROOMY = [10_000, 64 * 1024 * 1024]
const MAX_AGE_MS = 3_600_000

export function storeOf({ client }: TestRedis, prefix: string): RedisStore {
  const run = async (script: string, channel: string, data: string) => {
    const runId = (await client.get(`${prefix}run`))!
    const rest = [...ROOMY, '', '', 1000, 'm', `data: ${data}\n`, channel]
    const reply = await client.eval(script, 1, 'any', prefix, '0 0', runId, MAX_AGE_MS, ...rest)
    return Number((reply as string).slice(1))
  }
  const keys = () => client.keys(`${prefix.replaceAll(/[{}]/g, '?')}*`)
  return {
    prefix,
    storeSilently: (channel, data) => {
      const script = SCRIPTS.publish.source.replace(/^ *redis\.call\('PUBLISH'.*$/m, '')
      if (script === SCRIPTS.publish.source) throw new Error('publish.lua publishes otherwise')
      return run(script, channel, data)
    },
    publishAndDrop: (channel) => {
      const drop = `redis.call('XDEL', '${prefix}log:${channel}', string.sub(reply, 2) .. '-0')`
      const publish = `(function()\n${SCRIPTS.publish.source}\nend)()`
      return run(`local reply = ${publish}\n${drop}\nreturn reply`, channel, 'dropped')
    },
    announce: async (channel, position) => {
      const id = `${position}-0`
      const [entry] = await client.xrange(`${prefix}log:${channel}`, id, id)
      const [, previous, , , , frame, , kind, , channels] = entry![1]
      const header = `${kind} ${position} ${previous} ${channels}`
      await client.publish(`${prefix}live:${channel}`, `${header}\n${frame}`)
    },
    get: (name) => client.get(prefix + name),
    set: async (name, value) => {
      await client.set(prefix + name, `${value}`)
    },
    expire: async (name, ms) => {
      await client.pexpire(prefix + name, ms)
    },
    rollBack: async (to) => {
      await client.mset(`${prefix}clock`, to, `${prefix}run`, 'of a master that is gone')
    },
    lose: async (channel, position) => {
      await client.xdel(`${prefix}log:${channel}`, `${position}-0`)
      const [newest] = await client.xrevrange(`${prefix}log:${channel}`, '+', '-', 'COUNT', 1)
      await client.zadd(`${prefix}channels`, Number.parseInt(newest![0], 10), channel)
    },
    empty: async () => {
      await client.del(...(await keys()))
    },
    subscribers: async (channel) => {
      const counts = await client.pubsub('NUMSUB', `${prefix}live:${channel}`)
      return counts[1] as number
    },
    keys,
    count: () => client.dbsize(),
    dropLog: async (channel) => {
      await client.del(`${prefix}log:${channel}`)
    },
  }
}
