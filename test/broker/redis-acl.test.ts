import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { readDocument } from '../docs/markdown.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'
import { describeBasics } from './broker-contract.ts'
import { type BrokerOptions, openBroker } from './open-broker.ts'
import { createRedisBroker, newPrefix } from './open-redis-broker.ts'

const USERNAME = 'piazza'
const PASSWORD = 'change-me'

/** The rules of the user in docs/operations.md, for the prefixes of the tests. */
function documentedRules(): string[] {
  const [, rules = ''] = /^user piazza (.+)$/m.exec(readDocument('docs/operations.md')) ?? []
  return rules.replaceAll('{piazza}', '{test-*}').split(' ')
}

/** Commands that it may run, as Redis counts them. */
function documentedCommands(): string[] {
  return documentedRules().flatMap((rule) => (rule.startsWith('+') ? [rule.slice(1)] : []))
}

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
  await redis.client.call('ACL', 'SETUSER', USERNAME, ...documentedRules())
  await redis.client.call('CONFIG', 'RESETSTAT')
})

afterAll(() => redis.stop())

function create(options: BrokerOptions, prefix = newPrefix()) {
  return createRedisBroker(redis, options, { prefix, username: USERNAME, password: PASSWORD })
}

async function isHeard(channel: string): Promise<boolean> {
  const names = (await redis.client.pubsub('CHANNELS', '*')) as string[]
  return names.some((name) => name.endsWith(`live:${channel}`))
}

describe('the documented user of Redis', () => {
  describeBasics((options) => create(options))

  test('may forget a channel, and stop hearing it', async () => {
    const prefix = newPrefix()
    const { join, leave, publish } = await openBroker((options) => create(options, prefix), {
      maxAgeMs: 500,
    })
    await join('left')
    await publish('left')
    expect(await isHeard('left')).toBe(true)
    leave('left')
    await waitFor('the channel to be forgotten', async () => {
      return (await redis.client.zscore(`${prefix}channels`, 'left')) === null
    })
    await waitFor('the channel to be given up', async () => !(await isHeard('left')))
  })

  test('was refused nothing of this', async () => {
    const log = (await redis.client.call('ACL', 'LOG', '100')) as unknown[]
    const refused = log.map((entry) => String(refusedObject(entry)))
    expect(refused).toEqual([])
  })

  test('needs each of its commands', async () => {
    const stats = await redis.client.info('commandstats')
    const counts = stats.matchAll(/^cmdstat_([\w|]+):calls=[1-9]/gm)
    const run = new Set([...counts].map(([, name]) => name))
    const commands = documentedCommands()
    expect(commands).toContain('evalsha')
    // Redis 6.2 counts no subcommands
    const isRun = (name: string) => run.has(name) || run.has(name.split('|')[0])
    expect(commands.filter((name) => !isRun(name))).toEqual([])
  })

  test('reaches no keys, channels and commands of others', async () => {
    const client = new Redis({
      port: redis.port,
      host: '127.0.0.1',
      username: USERNAME,
      password: PASSWORD,
    })
    onTestFinished(() => client.disconnect())
    await expect(client.get('{other}:clock')).rejects.toThrow('NOPERM')
    await expect(client.publish('{other}:live:a', 'x')).rejects.toThrow('NOPERM')
    await expect(client.subscribe('{other}:live:a')).rejects.toThrow('NOPERM')
    await expect(client.flushall()).rejects.toThrow('NOPERM')
  })
})

/** An entry is a map in RESP3, and names and values in turn in RESP2. */
function refusedObject(entry: unknown): unknown {
  if (!Array.isArray(entry)) return (entry as { object: unknown }).object
  return entry[entry.indexOf('object') + 1]
}
