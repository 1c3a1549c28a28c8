import { CheckedLoad } from '../load/checked-load.mjs'
import { pace } from '../load/pace.mjs'
import { IS_QUICK, SECONDS, scaled } from '../settings.mjs'
import { sendLoop } from './send-loop.mjs'

const MIN_MESSAGES = 5
const WARM_UP_MESSAGES = 3

async function measure(peer, hub, { streams, perSecond }) {
  const load = await CheckedLoad.open(peer, hub, {
    channels: 1,
    streamsEach: streams,
    dataBytes: 100,
  })
  const publisher = peer.publisher(hub)
  try {
    const next = () => load.next()
    await pace(publisher, Math.max(WARM_UP_MESSAGES, perSecond), perSecond, next)
    await load.finish()
    load.lags.clear()
    const start = hub.cpuSeconds()
    await pace(publisher, Math.max(MIN_MESSAGES, perSecond * SECONDS), perSecond, next)
    await load.finish()
    const { lags } = load
    return {
      p50: lags.quantile(0.5),
      p99: lags.quantile(0.99),
      max: lags.max,
      microseconds: ((hub.cpuSeconds() - start) / lags.count) * 1e6,
    }
  } finally {
    publisher.close()
    load.close()
  }
}

const variantOf = (perSecond, streams) => ({
  name: `${perSecond}/s × ${streams}`,
  perSecond,
  streams: scaled(streams),
})
const paced = variantOf(50, 1000)

export const lag = {
  name: 'lag',
  title: '(b) (d) From publish to arrival, 1 channel, 100 bytes; CPU of the server with it',
  variants: IS_QUICK ? [paced] : [paced, variantOf(10, 5000), variantOf(1, 15_000)],
  beside: { [paced.name]: [sendLoop] },
  can: () => true,
  measure,
  columns: [
    ['p50 ms', 'p50', 1],
    ['p99 ms', 'p99', 1],
    ['max ms', 'max', 1],
    ['CPU µs per delivery', 'microseconds', 1],
  ],
}
