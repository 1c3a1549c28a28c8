// node bench/connect.mjs: how fast streams are opened, and what each costs the hub's processor, beside a naive hub and
// a server that only answers, which is the load tool's own ceiling (see README.md).
import { pinLoad, withHub } from './hub.mjs'
import { openStreams } from './load/open-streams.mjs'
import { range } from './load/range.mjs'
import { ROUNDS } from './settings.mjs'

const STREAMS = 5000
/** The code is compiled by the first thousands. */
const WARM_UP_STREAMS = 2000
const HUBS = {
  piazza: {},
  naive: { file: 'hubs/naive.mjs' },
  'nothing but an answer': { file: 'hubs/answer.mjs' },
}

async function measure({ url, cpuSeconds }) {
  const warm = await openStreams(url, WARM_UP_STREAMS, () => 'bench')
  const start = { cpu: cpuSeconds(), ms: performance.now() }
  const streams = await openStreams(url, STREAMS, () => 'bench')
  const seconds = (performance.now() - start.ms) / 1000
  const cpu = cpuSeconds() - start.cpu
  for (const stream of [...warm, ...streams]) stream.close()
  return { perSecond: STREAMS / seconds, cpu: (cpu / STREAMS) * 1e6 }
}

pinLoad()
const results = Object.fromEntries(Object.keys(HUBS).map((hub) => [hub, []]))
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [hub, options] of Object.entries(HUBS)) {
    results[hub].push(await withHub(measure, options))
  }
}
console.log(`connects: ${STREAMS} streams of one channel, 50 at a time, after ${WARM_UP_STREAMS}`)
console.table(
  Object.entries(results).map(([hub, values]) => ({
    hub,
    'connects/s': range(values.map(({ perSecond }) => perSecond)),
    'µs of the hub each': range(values.map(({ cpu }) => cpu)),
  })),
)
