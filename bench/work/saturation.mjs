import { nodePeer } from '../peers/node-peer.mjs'
import { CheckedLoad } from '../load/checked-load.mjs'
import { saturateChecked } from '../load/saturate-checked.mjs'
import { sleep } from '../load/sleep.mjs'
import { SECONDS, scaled } from '../settings.mjs'

const BATCH = 100
const STREAMS = 1000
const WARM_UP_MS = 3000

/** What the load can take, checked, of a server that only writes what it was going to write. */
const nothingButWrites = {
  ...nodePeer('nothing but writes', 'hubs/write.mjs'),
  async measure(hub, { streamsEach }) {
    const load = await CheckedLoad.open(this, hub, { channels: 1, streamsEach, dataBytes: 100 })
    await sleep(WARM_UP_MS)
    load.lags.clear()
    const start = { ms: performance.now(), hub: hub.cpuSeconds(), own: process.cpuUsage() }
    await sleep(SECONDS * 1000)
    const took = (performance.now() - start.ms) / 1000
    const { count } = load.lags
    const cpu = hub.cpuSeconds() - start.hub
    const own = process.cpuUsage(start.own)
    load.close()
    load.requireNoError()
    return {
      perSecond: count / took,
      microseconds: (cpu / count) * 1e6,
      hubShare: cpu / took,
      loadShare: (own.user + own.system) / 1e6 / took,
    }
  },
}

export const saturation = {
  name: 'saturation',
  title: '(a) Deliveries a second at saturation, 1 channel, 1000 streams, 100 bytes',
  variants: [
    { name: 'single', channels: 1, streamsEach: scaled(STREAMS), batch: 1 },
    { name: 'batches of 100', channels: 1, streamsEach: scaled(STREAMS), batch: BATCH },
  ],
  beside: { single: [nothingButWrites] },
  can: (peer, { batch }) => batch === 1 || peer.hasBatches === true,
  measure: (peer, hub, { channels, streamsEach, batch }) =>
    saturateChecked(peer, hub, { channels, streamsEach, batch, seconds: SECONDS, dataBytes: 100 }),
  columns: [
    ['deliveries/s', 'perSecond', 0],
    ['p50 ms', 'p50', 1],
    ['p99 ms', 'p99', 1],
    ['CPU µs each', 'microseconds', 2],
    ['server core', 'hubShare', 2],
    ['load core', 'loadShare', 2],
  ],
}
