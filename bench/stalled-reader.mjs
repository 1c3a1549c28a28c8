// node bench/stalled-reader.mjs: what readers that take nothing cost the hub and the others, among 1000 (see README.md).
import { pinLoad, withHub } from './hub.mjs'
import { checkedLags } from './load/checked-lags.mjs'
import { datedData, quantile } from './load/lag.mjs'
import { openStreams } from './load/open-streams.mjs'
import { orderCheck } from './load/order-check.mjs'
import { arrival, publishPaced } from './load/pace.mjs'
import { range } from './load/range.mjs'
import { IS_QUICK, ROUNDS } from './settings.mjs'

const STREAMS = 1000
const PER_SECOND = 20
const MB_PER_SECOND = 10
const WARM_UP_SECONDS = 7
const SECONDS = Number(process.env.BENCH_BIG_SECONDS ?? (IS_QUICK ? 3 : 20))
const STALLED_COUNTS = IS_QUICK ? [50] : [0, 1, 50]
const MB = 1_000_000
const BIG_PER_SECOND = MB_PER_SECOND * 10
const BIG_DATA = 'x'.repeat(MB / 10)
/**
 * They are looked at while they are stalled, not cut. The log is full after the warm-up, and long enough for a healthy
 * reader on a machine that does other work, too: no message may be missing there.
 */
const HUBS = {
  piazza: { env: { PIAZZA_SLOW_STREAM_TIMEOUT: '10m', PIAZZA_LOG_MAX_BYTES: '64MiB' } },
  naive: { file: 'hubs/naive.mjs' },
}

const used = ({ heapUsed, external }) => heapUsed + external

/** 200 MB to `stalledCount` streams that take nothing and one that does, beside a channel of 1000 streams. */
async function measure({ url, memory }, stalledCount) {
  const { lags, meterOf, requireAll } = checkedLags()
  const others = await openStreams(url, STREAMS, () => 'small', meterOf)
  const big = { ids: 0, outOfOrder: 0 }
  const [healthy, ...stalled] = await openStreams(
    url,
    1 + stalledCount,
    () => 'big',
    (i) => (i === 0 ? orderCheck(big) : undefined),
  )
  const publishBig = (seconds) =>
    publishPaced(url, seconds * BIG_PER_SECOND, BIG_PER_SECOND, () => ({
      channel: 'big',
      data: BIG_DATA,
    }))
  const publishSmall = (seconds) =>
    publishPaced(url, seconds * PER_SECOND, PER_SECOND, () => ({
      channel: 'small',
      data: datedData(),
    }))
  await arrival(() => healthy.content, 1)
  big.ids = 0 // of the opening block
  const publish = async (seconds) => {
    await Promise.all([publishBig(seconds), publishSmall(seconds)])
    await arrival(() => big.ids, seconds * BIG_PER_SECOND)
    await arrival(() => lags.length, seconds * PER_SECOND * STREAMS)
    requireAll(seconds * PER_SECOND * STREAMS)
    if (big.ids !== seconds * BIG_PER_SECOND || big.outOfOrder > 0) {
      throw new Error(`to the healthy reader came ${big.ids} ids, ${big.outOfOrder} out of order`)
    }
  }
  await publish(WARM_UP_SECONDS)
  lags.length = 0
  big.ids = 0
  const before = await memory(true)
  for (const stream of stalled) stream.stall()
  await publish(SECONDS)
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
  for (const stalledCount of STALLED_COUNTS) {
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
