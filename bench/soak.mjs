// npm run bench:soak: Piazza at half of what it takes in single publishes, for SOAK_SECONDS (300): does memory grow?
import { pinLoad } from './hub.mjs'
import { atRate } from './load/at-rate.mjs'
import { CheckedLoad } from './load/checked-load.mjs'
import { publishOn } from './load/publish-on.mjs'
import { saturateChecked } from './load/saturate-checked.mjs'
import { sleep } from './load/sleep.mjs'
import { slopeOf } from './load/slope.mjs'
import { piazza } from './peers/piazza.mjs'
import { scaled } from './settings.mjs'

const SOAK_SECONDS = Number(process.env.SOAK_SECONDS ?? 300)
const STREAMS = scaled(1000)
const SHAPE = { channels: 1, streamsEach: STREAMS, dataBytes: 100 }
const SAMPLE_MS = 1000
const MB = 1_000_000

async function soak(hub, perSecond) {
  const load = await CheckedLoad.open(piazza, hub, SHAPE)
  const publisher = piazza.publisher(hub)
  const loop = publishOn(publisher, () => load.next(), 256, atRate(perSecond))
  const samples = []
  const startMs = performance.now()
  while (performance.now() - startMs < SOAK_SECONDS * 1000) {
    await sleep(SAMPLE_MS)
    samples.push({ seconds: (performance.now() - startMs) / 1000, bytes: hub.resident() })
    load.forgetReceived()
  }
  await loop.stop()
  await load.finish()
  publisher.close()
  load.close()
  return { samples, lags: load.lags }
}

pinLoad()
const most = await piazza.run((hub) =>
  saturateChecked(piazza, hub, { ...SHAPE, batch: 1, seconds: 5 }),
)
const perSecond = most.perSecond / STREAMS / 2
console.log(
  `saturation: ${most.perSecond.toFixed(0)} deliveries/s; half of it for ${SOAK_SECONDS} s`,
)
const { samples, lags } = await piazza.run((hub) => soak(hub, perSecond))
// the log and the young generation fill up in the first half
const later = samples.slice(Math.floor(samples.length / 2))
const slope = slopeOf(later.map(({ seconds, bytes }) => [seconds, bytes]))
console.table([
  {
    'messages/s': perSecond.toFixed(0),
    deliveries: lags.count,
    'p50 ms': lags.quantile(0.5).toFixed(1),
    'p99 ms': lags.quantile(0.99).toFixed(1),
    'RSS MB, begin': (samples[0].bytes / MB).toFixed(1),
    middle: (later[0].bytes / MB).toFixed(1),
    end: (later.at(-1).bytes / MB).toFixed(1),
    'MB a minute, second half': ((slope * 60) / MB).toFixed(2),
  },
])
