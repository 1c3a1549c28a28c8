// node bench/saturation.mjs: deliveries a second of Piazza and of a naive hub when publishers push as fast as answers
// come, and the load tool's own ceiling (see README.md).
import { pinLoad, withHub } from './hub.mjs'
import { datedData } from './load/lag.mjs'
import { openStreams } from './load/open-streams.mjs'
import { median, range } from './load/range.mjs'
import { saturate } from './load/saturate.mjs'
import { sleep } from './load/sleep.mjs'
import { ROUNDS, SECONDS } from './settings.mjs'

const STREAMS = 1000
const FRAME_BYTES = `data: ${datedData()}\nid: 00000000000\n\n`.length

function measure({ url }) {
  return saturate({ publishUrl: url, streamUrls: [url], count: STREAMS, seconds: SECONDS })
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
  results.piazza.push(await withHub(measure))
  results.naive.push(await withHub(measure, { file: 'hubs/naive.mjs' }))
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
