// node bench/growth.mjs: the hub's CPU time per delivery, for 10 to 15,000 streams of one channel, and for as many
// channels of one stream each (see README.md). Paced far below saturation.
import { pinLoad, withHub } from './hub.mjs'
import { growthOf } from './load/growth.mjs'
import { openStreams } from './load/open-streams.mjs'
import { publishPaced, settle } from './load/pace.mjs'
import { median, range } from './load/range.mjs'
import { sleep } from './load/sleep.mjs'
import { IS_QUICK, ROUNDS, SECONDS } from './settings.mjs'

const DELIVERIES_PER_SECOND = 5000
const PUBLISHES_PER_SECOND = 500
const STREAM_COUNTS = IS_QUICK ? [10, 1000, 15_000] : [10, 100, 1000, 10_000, 15_000]
const DATA = 'x'.repeat(100)
const FRAME_BYTES = 124
/** More would mean that a delivery costs more the more streams there are. */
const MAX_GROWTH = 1.5
/** Heartbeats are no deliveries. */
const HUB = { env: { PIAZZA_HEARTBEAT_INTERVAL: 'off' } }

/** CPU seconds of the hub in `SECONDS` with so many messages. */
async function cpuOf({ url, cpuSeconds }, count, channelOf) {
  const start = { cpu: cpuSeconds(), ms: performance.now() }
  const bodyOf = (i) => ({ channel: channelOf(i), data: DATA })
  await publishPaced(url, count, count / SECONDS, bodyOf)
  await sleep(start.ms + SECONDS * 1000 - performance.now())
  return cpuSeconds() - start.cpu
}

/** µs of the hub per delivery, publishing included. */
async function measure(hub, streamCount, isOneChannel) {
  const channelOf = isOneChannel ? () => 'bench' : (i) => `bench.${i % streamCount}`
  const count = Math.ceil(
    SECONDS * (isOneChannel ? DELIVERIES_PER_SECOND / streamCount : PUBLISHES_PER_SECOND),
  )
  const streams = await openStreams(hub.url, streamCount, channelOf)
  const content = () => streams.reduce((sum, stream) => sum + stream.content, 0)
  await cpuOf(hub, count, channelOf) // the code is compiled
  await settle(content)
  const idle = await cpuOf(hub, 0, channelOf)
  const before = content()
  const loaded = await cpuOf(hub, count, channelOf)
  await settle(content)
  const deliveries = isOneChannel ? count * streamCount : count
  if (content() - before !== deliveries * FRAME_BYTES) throw new Error('deliveries are missing')
  for (const stream of streams) stream.close()
  return { load: loaded / SECONDS, delivery: ((loaded - idle) / deliveries) * 1e6 }
}

pinLoad()
for (const [title, isOneChannel] of [
  ['one channel', true],
  ['a channel each', false],
]) {
  const rows = []
  const costs = []
  for (const streamCount of STREAM_COUNTS) {
    const results = []
    for (let round = 0; round < ROUNDS; round += 1) {
      results.push(await withHub((hub) => measure(hub, streamCount, isOneChannel), HUB))
    }
    const deliveries = results.map(({ delivery }) => delivery)
    costs.push(median(deliveries))
    rows.push({
      streams: streamCount,
      'µs per delivery': range(deliveries, 1),
      'of that of 10': (costs.at(-1) / costs[0]).toFixed(2),
      'of the lowest of fewer':
        costs.length === 1 ? '' : (costs.at(-1) / Math.min(...costs.slice(0, -1))).toFixed(2),
      'share of a core': range(
        results.map(({ load }) => load),
        2,
      ),
    })
  }
  console.log(`${title}: the hub's CPU time per delivery, publishing included`)
  console.table(rows)
  // With ten streams publishing is most of it: what grows later shows beside the lowest of fewer streams.
  const growth = growthOf(costs)
  const isWithin = growth <= MAX_GROWTH
  console.log(`growth ${growth.toFixed(2)}: ${isWithin ? 'within' : 'ABOVE'} ${MAX_GROWTH}`)
  if (!isWithin) process.exitCode = 1
}
