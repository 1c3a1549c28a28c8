// node bench/ratio.mjs: Piazza's deliveries a second at saturation as a multiple of the naive hub's, in some 15 seconds.
// test/speed holds it to half of what recorded-ratio.json says; --record measures three times and writes that file.
import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { pinLoad } from './hub.mjs'
import { median } from './load/range.mjs'
import { saturateChecked } from './load/saturate-checked.mjs'
import { naive } from './peers/naive.mjs'
import { piazza } from './peers/piazza.mjs'

/** Few enough messages under way that a hub as slow as the naive one is through with them in a few seconds. */
const SHAPE = {
  channels: 1,
  streamsEach: 300,
  dataBytes: 100,
  batch: 1,
  window: 400,
  warmUpMs: 2000,
  seconds: 2,
}
const RECORD = new URL('recorded-ratio.json', import.meta.url)

async function deliveriesOf(peer) {
  const { perSecond } = await peer.run((hub) => saturateChecked(peer, hub, SHAPE))
  return Math.round(perSecond)
}

async function measureRatio() {
  const measured = { piazza: await deliveriesOf(piazza), naive: await deliveriesOf(naive) }
  return { ratio: Number((measured.piazza / measured.naive).toFixed(1)), ...measured }
}

pinLoad()
if (process.argv.includes('--record')) {
  const rounds = []
  for (let round = 0; round < 3; round += 1) rounds.push(await measureRatio())
  const record = {
    ratio: median(rounds.map(({ ratio }) => ratio)),
    how: 'npm run build && node bench/ratio.mjs --record: deliveries a second at saturation, 300 streams of one channel, median of 3 ratios',
    rounds,
    machine: `${cpus().length} × ${cpus()[0].model.trim()}, Linux ${release().split('.', 2).join('.')}, Node ${process.version}`,
    date: new Date().toISOString().slice(0, 10),
  }
  writeFileSync(RECORD, `${JSON.stringify(record, undefined, 2)}\n`)
  console.log(record)
} else console.log(JSON.stringify(await measureRatio()))
