// node bench/replicas.mjs: what a message costs Redis and each replica that hears it, with one, two and four replicas
// (see README.md). From the first two it is foretold what four take, and that is held against what they took.
import { spawnSync } from 'node:child_process'
import { pinLoad, withHub } from './hub.mjs'
import { openStreams } from './load/open-streams.mjs'
import { settle } from './load/pace.mjs'
import { publishOn } from './load/publish-on.mjs'
import { Publisher } from './load/publisher.mjs'
import { median, range } from './load/range.mjs'
import { sleep } from './load/sleep.mjs'
import { withRedis } from './redis-server.mjs'
import { ROUNDS, SECONDS } from './settings.mjs'

const COUNTS = [1, 2, 4]
/** With one request unanswered each. */
const CONNECTIONS = 16
/** Until the code of all is compiled: four share a core. */
const WARM_UP_MS = 8000
const CHANNELS = 100
const DATA = 'x'.repeat(100)
const FRAME_BYTES = 124
/** It must foretell what four replicas take to within this share. */
const TOLERANCE = 0.25

/** So many hubs over one Redis. */
function withReplicas(count, env, use, hubs = []) {
  if (hubs.length === count) return use(hubs)
  return withHub((hub) => withReplicas(count, env, use, [...hubs, hub]), { env })
}

/** User and system time of all threads of Redis. */
function redisSeconds(port) {
  const { stdout } = spawnSync('redis-cli', ['-p', port, 'INFO', 'cpu'], { encoding: 'latin1' })
  const read = (name) => Number(new RegExp(`${name}:([\\d.]+)`).exec(stdout)[1])
  return read('used_cpu_sys') + read('used_cpu_user')
}

const channelOf = (i) => `bench.${i % CHANNELS}`

/** Publishes as fast as answers come. Returns how many that were. */
async function publishAll(url, ms) {
  let next = 0
  const bodyOfNext = () => {
    next += 1
    return { channel: channelOf(next), data: DATA }
  }
  const publishers = Array.from({ length: CONNECTIONS }, () => new Publisher(url))
  const loops = publishers.map((publisher) => publishOn(publisher, bodyOfNext, 1))
  await sleep(ms)
  await Promise.all(loops.map((loop) => loop.stop()))
  for (const publisher of publishers) publisher.close()
  return loops.reduce((total, loop) => total + loop.published(), 0)
}

/** CPU seconds of Redis, of the replica that is published through, and of all replicas, during some work. */
async function cpuOf({ hubs, port }, work) {
  const read = () => [redisSeconds(port), hubs[0].cpuSeconds(), sum(hubs)]
  const before = read()
  const result = await work()
  return { result, cpu: read().map((seconds, i) => seconds - before[i]) }
}

const sum = (hubs) => hubs.reduce((total, hub) => total + hub.cpuSeconds(), 0)

/** µs for each message, and how many there were in a second. Every replica has a stream of each channel. */
async function measure(hubs, port) {
  const opened = []
  for (const { url } of hubs) opened.push(...(await openStreams(url, CHANNELS, channelOf)))
  const content = () => opened.reduce((total, stream) => total + stream.content, 0)
  await publishAll(hubs[0].url, WARM_UP_MS)
  await settle(content)
  const idle = await cpuOf({ hubs, port }, () => sleep(SECONDS * 1000))
  const before = content()
  const loaded = await cpuOf({ hubs, port }, async () => {
    const count = await publishAll(hubs[0].url, SECONDS * 1000)
    await settle(content)
    return count
  })
  const messages = loaded.result
  const deliveries = (content() - before) / FRAME_BYTES
  if (deliveries !== messages * hubs.length) throw new Error(`${deliveries} came of all deliveries`)
  for (const stream of opened) stream.close()
  const [redis, publishing, all] = loaded.cpu.map((s, i) => ((s - idle.cpu[i]) / messages) * 1e6)
  const hearing = (all - publishing) / Math.max(1, hubs.length - 1)
  return { redis, publishing, hearing, perSecond: messages / SECONDS }
}

pinLoad()
const results = new Map(COUNTS.map((count) => [count, []]))
for (let round = 0; round < ROUNDS; round += 1) {
  for (const count of COUNTS) {
    await withRedis(async ({ port }) => {
      const env = {
        PIAZZA_REDIS_URL: `redis://127.0.0.1:${port}`,
        PIAZZA_HEARTBEAT_INTERVAL: 'off',
      }
      const one = await withReplicas(count, env, (hubs) => measure(hubs, port))
      results.get(count).push(one)
    })
  }
}
const of = (count, what) => results.get(count).map((one) => one[what])
console.log(
  `CPU time for each message of 100 bytes, published by ${CONNECTIONS} connections: ${CHANNELS} channels, a stream of each on every replica`,
)
console.table(
  COUNTS.map((count) => ({
    replicas: count,
    'messages/s': range(of(count, 'perSecond')),
    'Redis, µs': range(of(count, 'redis')),
    'published through, µs': range(of(count, 'publishing')),
    'hears it, µs': count === 1 ? '' : range(of(count, 'hearing')),
  })),
)
/** Of Redis and all replicas together. */
const totals = COUNTS.map((count) =>
  median(results.get(count).map((one) => one.redis + one.publishing + (count - 1) * one.hearing)),
)
const [one, two, four] = totals
const each = two - one
const foretold = two + 2 * each
console.log(
  `all together: ${one.toFixed(0)} µs with one, and ${each.toFixed(0)} µs for each further replica; for four ${foretold.toFixed(0)} µs were foretold, and it took ${four.toFixed(0)}`,
)
if (Math.abs(foretold / four - 1) > TOLERANCE) {
  console.log(`more than ${TOLERANCE * 100} % off`)
  process.exitCode = 1
}
