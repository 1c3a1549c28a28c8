// node bench/latency.mjs: time from publish to arrival at a fixed rate, of Piazza and of a naive hub (see README.md).
import { pinLoad, withHub } from './hub.mjs'
import { measureLag } from './load/measure-lag.mjs'
import { range } from './load/range.mjs'
import { ROUNDS, SECONDS } from './settings.mjs'

const STREAMS = 1000
const PER_SECOND = 50

function measure({ url }) {
  const load = { count: STREAMS, perSecond: PER_SECOND, seconds: SECONDS }
  return measureLag({ publishUrl: url, streamUrl: url, ...load })
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
