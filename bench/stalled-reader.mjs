// node bench/stalled-reader.mjs: what readers that take nothing cost the hub and the others, among 1000 (see README.md).
import { pinLoad, withHub } from './hub.mjs'
import { datedData, lagMeter, quantile } from './load/lag.mjs'
import { openStreams } from './load/open-streams.mjs'
import { publishPaced, settle } from './load/pace.mjs'
import { range } from './load/range.mjs'

const STREAMS = 1000
const PER_SECOND = 20
const MB_PER_SECOND = 10
const SECONDS = Number(process.env.BENCH_BIG_SECONDS ?? 20)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const MB = 1_000_000
const BIG_DATA = 'x'.repeat(MB / 10)
/** They are looked at while they are stalled, not cut. */
const HUBS = {
  piazza: { env: { PIAZZA_SLOW_STREAM_TIMEOUT: '10m' } },
  naive: { file: 'hubs/naive.mjs' },
}

const used = ({ heapUsed, external }) => heapUsed + external

/** 200 MB to `stalledCount` streams that take nothing and one that does, beside a channel of 1000 streams. */
async function measure({ url, memory }, stalledCount) {
  const lags = []
  const others = await openStreams(
    url,
    STREAMS,
    () => 'small',
    () => lagMeter(lags),
  )
  const [healthy, ...stalled] = await openStreams(url, 1 + stalledCount, () => 'big')
  const publishBig = (seconds) =>
    publishPaced(url, seconds * MB_PER_SECOND * 10, MB_PER_SECOND * 10, () => ({
      channel: 'big',
      data: BIG_DATA,
    }))
  const publishSmall = (seconds) =>
    publishPaced(url, seconds * PER_SECOND, PER_SECOND, () => ({
      channel: 'small',
      data: datedData(),
    }))
  await Promise.all([publishBig(3), publishSmall(3)])
  await settle(() => healthy.content)
  lags.length = 0
  const before = await memory(true)
  for (const stream of stalled) stream.stall()
  await Promise.all([publishBig(SECONDS), publishSmall(SECONDS)])
  await settle(() => healthy.content + lags.length)
  const after = await memory(true)
  for (const stream of [...others, healthy, ...stalled]) stream.close()
  return {
    rss: (after.rss - before.rss) / MB,
    used: (used(after) - used(before)) / MB,
    p50: quantile(lags, 0.5),
    p99: quantile(lags, 0.99),
  }
}

pinLoad()
const rows = []
for (const [hub, options] of Object.entries(HUBS)) {
  for (const stalledCount of [0, 1, 50]) {
    const results = []
    for (let round = 0; round < ROUNDS; round += 1) {
      results.push(await withHub((started) => measure(started, stalledCount), options))
    }
    const rangeOf = (key, digits) =>
      range(
        results.map((result) => result[key]),
        digits,
      )
    rows.push({
      hub,
      stalled: stalledCount,
      'RSS grew by MB': rangeOf('rss', 1),
      'heap and buffers MB': rangeOf('used', 1),
      'others p50 ms': rangeOf('p50', 1),
      'others p99 ms': rangeOf('p99', 1),
    })
  }
}
console.log(
  `${SECONDS * MB_PER_SECOND} MB to stalled readers, ${PER_SECOND} messages a second to ${STREAMS} others`,
)
console.table(rows)
