// node bench/redis.mjs: replicas over one Redis: publishes a second beside redis-benchmark with the same script, time
// from a publish through one replica to arrival on another, deliveries a second over two (see README.md).
import { spawnSync } from 'node:child_process'
import { SCRIPTS } from '../dist/broker/redis/script.js'
import { onCoreOfHub, pinLoad, withHub } from './hub.mjs'
import { measureLag } from './load/measure-lag.mjs'
import { Publisher } from './load/publisher.mjs'
import { median, range } from './load/range.mjs'
import { saturate } from './load/saturate.mjs'
import { sleep } from './load/sleep.mjs'
import { withRedis } from './redis-server.mjs'
import { ROUNDS, SECONDS } from './settings.mjs'

const CONNECTIONS = 16
const BATCH = 100
/** Until the hub's code is compiled. */
const WARM_UP_MS = 3000
const STREAMS = 1000
const PER_SECOND = 50
const DATA = 'x'.repeat(100)

/** Messages a second through one hub: each connection has one request unanswered. */
async function publishAll(url, batch) {
  const message = { channel: 'bench', data: DATA }
  const body = batch === 1 ? message : Array.from({ length: batch }, () => message)
  const state = { isOver: false }
  let published = 0
  const publishOn = async () => {
    const publisher = new Publisher(url)
    while (!state.isOver) {
      await publisher.publish(body)
      published += batch
    }
    publisher.close()
  }
  const loops = Array.from({ length: CONNECTIONS }, publishOn)
  await sleep(WARM_UP_MS)
  const start = { published, ms: performance.now() }
  await sleep(SECONDS * 1000)
  const rate = (published - start.published) / ((performance.now() - start.ms) / 1000)
  state.isOver = true
  await Promise.all(loops)
  return rate
}

/** What Redis does of the same script with the same arguments, `pipelined` at a time, asked from where the hub was. */
function benchmarkScript({ port, runId }, pipelined) {
  const { sha, source } = SCRIPTS.publish
  spawnSync('redis-cli', ['-p', port, 'SCRIPT', 'LOAD', source])
  const prefix = '{benchmark}:'
  const limits = [10_000, 4 * 1024 * 1024] // the hub's defaults
  const publication = [...limits, '', '', 300_000, 'm', `data: ${DATA}\n`, 'bench']
  const args = [
    'EVALSHA',
    sha,
    1,
    `${prefix}clock`,
    prefix,
    '0 0',
    runId,
    3_600_000,
    ...publication,
  ]
  const run = (count) => {
    const options = ['-p', port, '-c', CONNECTIONS, '-P', pipelined, '-n', count, '--csv']
    const [command, ...rest] = onCoreOfHub(['redis-benchmark', ...options, ...args].map(String))
    const { stdout } = spawnSync(command, rest)
    return Number(/"([\d.]+)"/.exec(stdout.toString('latin1').split('\n').at(-2).split(',')[1])[1])
  }
  return run(Math.ceil(run(20_000) * SECONDS)) // as long as the hub
}

const env = (port, name) => ({
  PIAZZA_REDIS_URL: `redis://127.0.0.1:${port}`,
  PIAZZA_REDIS_PREFIX: name,
})

/** Two hubs over one Redis. */
function withReplicas(port, use) {
  const options = { env: env(port, 'replicas') }
  return withHub((one) => withHub((other) => use(one.url, other.url), options), options)
}

function lagOf(publishUrl, streamUrl) {
  const load = { count: STREAMS, perSecond: PER_SECOND, seconds: SECONDS }
  return measureLag({ publishUrl, streamUrl, ...load })
}

function deliveriesOf(publishUrl, ...streamUrls) {
  return saturate({ publishUrl, streamUrls, count: STREAMS, seconds: SECONDS })
}

async function measureRound(results) {
  await withRedis(async (redis) => {
    const { port } = redis
    for (const [name, batch] of [
      ['single', 1],
      ['batch', BATCH],
    ]) {
      const rate = await withHub(({ url }) => publishAll(url, batch), { env: env(port, name) })
      const alone = benchmarkScript(redis, batch)
      results[name].push({ rate, alone, share: rate / alone })
    }
    results.across.push(await withReplicas(port, lagOf))
    results.replicas.push(await withReplicas(port, (one, other) => deliveriesOf(one, one, other)))
  })
  results.memory.push(await withHub(({ url }) => lagOf(url, url)))
  results.alone.push(await withHub(({ url }) => deliveriesOf(url, url)))
}

pinLoad()
const results = { single: [], batch: [], across: [], memory: [], replicas: [], alone: [] }
for (let round = 0; round < ROUNDS; round += 1) await measureRound(results)

console.log(`messages of 100 bytes a second through one replica, ${CONNECTIONS} connections`)
console.table(
  [results.single, results.batch].map((values, i) => ({
    publishes: i === 0 ? 'single' : `batches of ${BATCH}`,
    'messages/s': range(values.map(({ rate }) => rate)),
    'redis-benchmark, same script': range(values.map(({ alone }) => alone)),
    share: median(values.map(({ share }) => share)).toFixed(2),
  })),
)
console.log(
  `from publish to arrival, ${PER_SECOND} messages a second to ${STREAMS} streams of one channel`,
)
console.table(
  [results.across, results.memory].map((values, i) => ({
    broker: i === 0 ? 'Redis, published through the other replica' : 'memory',
    'p50 ms': range(
      values.map(({ p50 }) => p50),
      1,
    ),
    'p99 ms': range(
      values.map(({ p99 }) => p99),
      1,
    ),
  })),
)
console.log(`deliveries a second at saturation, ${STREAMS} streams of one channel`)
console.table(
  [results.replicas, results.alone].map((values, i) => ({
    hubs: i === 0 ? 'two replicas over Redis, half of the streams each' : 'one, in memory',
    'deliveries/s': range(values),
  })),
)
