import { Answers } from '../load/answers.mjs'
import { atRate } from '../load/at-rate.mjs'
import { publishOn } from '../load/publish-on.mjs'
import { sleep } from '../load/sleep.mjs'
import { SECONDS, scaled } from '../settings.mjs'

const CHANNELS = 500
const PER_SECOND = 50
const TOKENS = 200
const WARM_UP_MS = 3000

async function measure(peer, hub, { channels, batch, isPaced }) {
  const answers = new Answers(peer, hub, TOKENS)
  const publisher = peer.publisher(hub)
  try {
    await answers.open(channels)
    const isDue = isPaced ? atRate(channels * PER_SECOND, batch) : () => true
    const next =
      batch === 1 ? () => answers.next() : () => Array.from({ length: batch }, () => answers.next())
    const unanswered = batch === 1 ? 256 : 12
    const loop = publishOn(publisher, next, unanswered, () => answers.hasNext(batch) && isDue())
    await sleep(WARM_UP_MS)
    answers.lags.clear()
    const start = { ms: performance.now(), hub: hub.cpuSeconds(), ended: answers.ended }
    await sleep(SECONDS * 1000)
    const took = (performance.now() - start.ms) / 1000
    const { lags } = answers
    const cpu = hub.cpuSeconds() - start.hub
    const ended = answers.ended - start.ended
    if (ended === 0) throw new Error('no channel has ended')
    const measured = {
      perSecond: lags.count / took,
      p50: lags.quantile(0.5),
      p99: lags.quantile(0.99),
      ended: ended / took,
      microseconds: (cpu / lags.count) * 1e6,
    }
    await loop.stop()
    await answers.finish()
    return measured
  } finally {
    publisher.close()
    answers.close()
  }
}

const variantOf = (batch, isPaced) => ({
  name: `${batch === 1 ? 'single' : `batches of ${batch}`}, ${isPaced ? '50 tokens/s each' : 'as fast as answers come'}`,
  channels: scaled(CHANNELS),
  batch: Math.min(batch, scaled(CHANNELS)),
  isPaced,
})

export const answers = {
  name: 'answers',
  title:
    '(j) 500 channels with one stream each, tokens of 8 bytes; each ends after 200, and a new one begins',
  variants: [variantOf(1, false), variantOf(100, false), variantOf(1, true), variantOf(100, true)],
  beside: {},
  can: (peer, { batch }) => batch === 1 || peer.hasBatches === true,
  measure,
  columns: [
    ['tokens/s', 'perSecond', 0],
    ['p50 ms', 'p50', 1],
    ['p99 ms', 'p99', 1],
    ['channels ended/s', 'ended', 0],
    ['CPU µs per token', 'microseconds', 1],
  ],
}
