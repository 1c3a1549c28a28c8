import { CheckedLoad } from './checked-load.mjs'
import { publishOn } from './publish-on.mjs'
import { sleep } from './sleep.mjs'

/** Until the code of the server and of the load is compiled. */
const WARM_UP_MS = 3000
const SINGLE_UNANSWERED = 256
const BATCHES_UNANSWERED = 12
const WINDOW_LOOK_MS = 2

/** Deliveries a second and their lags when one connection publishes as fast as answers come. */
export async function saturateChecked(peer, hub, shape) {
  const { channels, batch, seconds, warmUpMs = WARM_UP_MS, window = peer.window } = shape
  const load = await CheckedLoad.open(peer, hub, shape)
  const publisher = peer.publisher(hub)
  try {
    const next =
      batch === 1 ? () => load.next() : () => Array.from({ length: batch }, () => load.next())
    const unanswered = batch === 1 ? SINGLE_UNANSWERED : BATCHES_UNANSWERED
    const canGoOn = windowOf(load, window, batch / channels)
    const loop = publishOn(publisher, next, unanswered, canGoOn)
    await sleep(warmUpMs)
    load.lags.clear()
    const start = { ms: performance.now(), hub: hub.cpuSeconds(), own: process.cpuUsage() }
    await sleep(seconds * 1000)
    const took = (performance.now() - start.ms) / 1000
    const { count } = load.lags
    const cpu = hub.cpuSeconds() - start.hub
    const own = process.cpuUsage(start.own)
    const measured = {
      perSecond: count / took,
      p50: load.lags.quantile(0.5),
      p99: load.lags.quantile(0.99),
      microseconds: (cpu / count) * 1e6,
      hubShare: cpu / took,
      loadShare: (own.user + own.system) / 1e6 / took,
    }
    await loop.stop()
    await load.finish()
    return measured
  } finally {
    publisher.close()
    load.close()
  }
}

/**
 * Holds the publisher back while some stream lacks so many messages of its channel. Looked at every 2 ms, and counted on
 * meanwhile: a publish adds `each` to a channel.
 */
function windowOf(load, window, each) {
  if (window === undefined) return undefined
  let lookedMs = -Infinity
  let left = 0
  return () => {
    if (performance.now() - lookedMs >= WINDOW_LOOK_MS) {
      lookedMs = performance.now()
      left = window - load.behind()
    }
    if (left <= 0) return false
    left -= each
    return true
  }
}
