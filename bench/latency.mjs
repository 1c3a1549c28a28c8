// node bench/latency.mjs: time from publish to arrival at a fixed rate, of Piazza and of a naive hub (see README.md).
import { pinLoad, withHub } from './hub.mjs'
import { datedData, lagMeter, quantile } from './load/lag.mjs'
import { openStreams } from './load/open-streams.mjs'
import { orderCheck } from './load/order-check.mjs'
import { publishPaced, settle } from './load/pace.mjs'
import { range } from './load/range.mjs'

const STREAMS = 1000
const PER_SECOND = 50
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)

async function measure({ url }) {
  const lags = []
  const report = { outOfOrder: 0 }
  const meterOf = () => {
    const [meter, check] = [lagMeter(lags), orderCheck(report)]
    return (bytes) => {
      meter(bytes)
      check(bytes)
    }
  }
  const streams = await openStreams(url, STREAMS, () => 'bench', meterOf)
  lags.length = 0
  const count = PER_SECOND * SECONDS
  await publishPaced(url, count, PER_SECOND, () => ({ channel: 'bench', data: datedData() }))
  await settle(() => lags.length)
  for (const stream of streams) stream.close()
  if (lags.length !== count * STREAMS || report.outOfOrder > 0) {
    throw new Error(`${lags.length} deliveries, ${report.outOfOrder} out of order`)
  }
  return { p50: quantile(lags, 0.5), p99: quantile(lags, 0.99) }
}

pinLoad()
const results = { piazza: [], naive: [] }
for (let round = 0; round < ROUNDS; round += 1) {
  results.piazza.push(await withHub(measure))
  results.naive.push(await withHub(measure, { file: 'hubs/naive.mjs' }))
}
console.log(
  `from publish to arrival: ${PER_SECOND} messages a second to ${STREAMS} streams of one channel`,
)
console.table(
  Object.entries(results).map(([hub, values]) => ({
    hub,
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
