// node bench/saturation.mjs: deliveries a second of Piazza and of a naive hub when publishers push as fast as answers
// come, and the load tool's own ceiling (see README.md).
import { pinLoad, withHub } from './hub.mjs'
import { datedData } from './load/lag.mjs'
import { openStreams } from './load/open-streams.mjs'
import { orderCheck } from './load/order-check.mjs'
import { settle } from './load/pace.mjs'
import { Publisher } from './load/publisher.mjs'
import { median, range } from './load/range.mjs'
import { sleep } from './load/sleep.mjs'

const STREAMS = 1000
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
/** Their ids are looked at one by one; of the others the bytes are counted. */
const CHECKED_STREAMS = 10
/** Publishes that are not answered yet. */
const IN_FLIGHT = 64
const FRAME_BYTES = `data: ${datedData()}\nid: 00000000000\n\n`.length

async function saturate({ url }) {
  const report = { outOfOrder: 0 }
  const checkOf = (i) => (i < CHECKED_STREAMS ? orderCheck(report) : undefined)
  const streams = await openStreams(url, STREAMS, () => 'bench', checkOf)
  const opening = streams.map(({ content }) => content)
  const publisher = new Publisher(url)
  const state = { isOver: false }
  let published = 0
  const publishOn = async () => {
    while (!state.isOver) {
      await publisher.publish({ channel: 'bench', data: datedData() })
      published += 1
    }
  }
  const loops = Array.from({ length: IN_FLIGHT }, publishOn)
  await sleep(1000)
  const total = () => streams.reduce((sum, { content }) => sum + content, 0)
  const start = { content: total(), ms: performance.now() }
  await sleep(SECONDS * 1000)
  const end = { content: total(), ms: performance.now() }
  state.isOver = true
  await Promise.all(loops)
  await settle(total)
  const received = streams.map(({ content }, i) => content - opening[i])
  publisher.close()
  for (const stream of streams) stream.close()
  if (report.outOfOrder > 0 || received.some((bytes) => bytes !== received[0])) {
    throw new Error(`streams differ, or ${report.outOfOrder} ids did not rise`)
  }
  // frames of one size, so bytes tell the number
  const frameBytes = received[0] / published
  return (end.content - start.content) / frameBytes / ((end.ms - start.ms) / 1000)
}

/** What the load can take from a server that only writes. */
async function takeAll({ url }) {
  const streams = await openStreams(url, STREAMS, () => 'bench')
  const total = () => streams.reduce((sum, { content }) => sum + content, 0)
  await sleep(3000)
  const start = { content: total(), ms: performance.now() }
  await sleep(SECONDS * 1000)
  const perSecond = (total() - start.content) / ((performance.now() - start.ms) / 1000)
  for (const stream of streams) stream.close()
  return perSecond / FRAME_BYTES
}

pinLoad()
const results = { piazza: [], naive: [], 'nothing but writes': [] }
for (let round = 0; round < ROUNDS; round += 1) {
  results.piazza.push(await withHub(saturate))
  results.naive.push(await withHub(saturate, { file: 'hubs/naive.mjs' }))
  results['nothing but writes'].push(await withHub(takeAll, { file: 'hubs/write.mjs' }))
}
console.log(
  `deliveries a second at saturation: ${STREAMS} streams of one channel, data of 100 bytes`,
)
console.table(
  Object.entries(results).map(([hub, values]) => ({
    hub,
    'deliveries/s': range(values),
    'of piazza': (median(values) / median(results.piazza)).toFixed(3),
  })),
)
