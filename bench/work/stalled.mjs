import { CheckedLoad } from '../load/checked-load.mjs'
import { openAll, streamRequest } from '../load/open-streams.mjs'
import { pace } from '../load/pace.mjs'
import { SECONDS, scaled } from '../settings.mjs'

const STREAMS = 1000
const PER_SECOND = 20
const BIG_PER_SECOND = 100
/** What the kernel takes for a stalled reader, some 3 to 6 MB, is full before anything is measured. */
const WARM_UP_SECONDS = 2
const MEASURED_SECONDS = Math.max(SECONDS, 8)
const BIG = { channel: 'big', data: 'x'.repeat(100_000) }

/** 10 MB a second to another channel, which has no reader, or one that takes nothing. */
async function measure(peer, hub, { streams, isStalled }) {
  const load = await CheckedLoad.open(peer, hub, {
    channels: 1,
    streamsEach: streams,
    dataBytes: 100,
  })
  const [publisher, bigPublisher] = [peer.publisher(hub), peer.publisher(hub)]
  const request = streamRequest(peer.pathOf(BIG.channel))
  const readers = isStalled ? await openAll(hub.url, 1, 1, () => ({ request })) : []
  try {
    const publishFor = (seconds) =>
      Promise.all([
        pace(publisher, seconds * PER_SECOND, PER_SECOND, () => load.next()),
        pace(bigPublisher, seconds * BIG_PER_SECOND, BIG_PER_SECOND, () => BIG),
      ])
    for (const reader of readers) reader.stall()
    await publishFor(WARM_UP_SECONDS)
    await load.finish()
    load.lags.clear()
    const before = hub.resident()
    await publishFor(MEASURED_SECONDS)
    const after = hub.resident()
    await load.finish()
    return {
      p50: load.lags.quantile(0.5),
      p99: load.lags.quantile(0.99),
      max: load.lags.max,
      grown: (after - before) / 1_000_000,
    }
  } finally {
    publisher.close()
    bigPublisher.close()
    for (const reader of readers) reader.close()
    load.close()
  }
}

export const stalled = {
  name: 'stalled',
  title: `(h) 1000 streams at 20 messages a second, beside 10 MB a second to another channel for ${MEASURED_SECONDS} s`,
  variants: [
    { name: 'nobody reads it', streams: scaled(STREAMS), isStalled: false },
    { name: 'its one reader has stalled', streams: scaled(STREAMS), isStalled: true },
  ],
  beside: {},
  can: () => true,
  measure,
  columns: [
    ['p50 ms', 'p50', 1],
    ['p99 ms', 'p99', 1],
    ['max ms', 'max', 1],
    ['memory grew by MB', 'grown', 1],
  ],
}
