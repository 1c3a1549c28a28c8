// node bench/replicas.mjs: what a message costs Redis and each replica that hears it, with one, two and four replicas
// (see README.md). From the first two it is foretold what four take, and that is held against what they took.
import { spawnSync } from 'node:child_process'
import { pinLoad, withHub } from './hub.mjs'
import { openStreams } from './load/open-streams.mjs'
import { publishPaced, settle } from './load/pace.mjs'
import { median, range } from './load/range.mjs'
import { sleep } from './load/sleep.mjs'
import { withRedis } from './redis-server.mjs'
import { ROUNDS, SECONDS } from './settings.mjs'

const COUNTS = [1, 2, 4]
const PER_SECOND = 300
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

/** CPU seconds of Redis, of the replica that is published through, and of all replicas, while so much is published. */
async function cpuOf({ hubs, port }, count) {
  const read = () => [redisSeconds(port), hubs[0].cpuSeconds(), sum(hubs)]
  const before = read()
  const startMs = performance.now()
  await publishPaced(hubs[0].url, count, PER_SECOND, (i) => ({ channel: channelOf(i), data: DATA }))
  await sleep(startMs + SECONDS * 1000 - performance.now())
  return read().map((seconds, i) => seconds - before[i])
}

const sum = (hubs) => hubs.reduce((total, hub) => total + hub.cpuSeconds(), 0)

/** µs for each message. Every replica has a stream of each channel. */
async function measure(hubs, port) {
  const messages = PER_SECOND * SECONDS
  const opened = []
  for (const { url } of hubs) opened.push(...(await openStreams(url, CHANNELS, channelOf)))
  const content = () => opened.reduce((total, stream) => total + stream.content, 0)
  await cpuOf({ hubs, port }, messages) // the code is compiled
  await settle(content)
  const idle = await cpuOf({ hubs, port }, 0)
  const before = content()
  const loaded = await cpuOf({ hubs, port }, messages)
  await settle(content)
  const deliveries = (content() - before) / FRAME_BYTES
  if (deliveries !== messages * hubs.length) throw new Error(`${deliveries} came of all deliveries`)
  for (const stream of opened) stream.close()
  const [redis, publishing, all] = loaded.map((s, i) => ((s - idle[i]) / messages) * 1e6)
  return { redis, publishing, hearing: (all - publishing) / Math.max(1, hubs.length - 1) }
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
  `CPU time for each message of 100 bytes: ${PER_SECOND} a second, ${CHANNELS} channels, a stream of each on every replica`,
)
console.table(
  COUNTS.map((count) => ({
    replicas: count,
    'Redis, µs': range(of(count, 'redis')),
    'published through, µs': range(of(count, 'publishing')),
    'hears it, µs': count === 1 ? '' : range(of(count, 'hearing')),
  })),
)
const [one, two, four] = COUNTS.map((count) => median(of(count, 'redis')))
const each = two - one
const foretold = one + 3 * each
console.log(
  `Redis: ${(one - each).toFixed(0)} µs + ${each.toFixed(0)} µs for each replica; for four ${foretold.toFixed(0)} µs were foretold, and it took ${four.toFixed(0)}`,
)
if (Math.abs(foretold / four - 1) > TOLERANCE) {
  console.log(`more than ${TOLERANCE * 100} % off`)
  process.exitCode = 1
}
