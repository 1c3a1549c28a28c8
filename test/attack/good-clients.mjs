// Run by good-clients.ts: streams and a publisher that do nothing wrong, in a process that nobody else delays. Sends
// its parent `{ isOpen }`, and when told for how many seconds to publish, what came of it.
import { datedData, lagMeter, quantile } from '../../bench/load/lag.mjs'
import { openStreams } from '../../bench/load/open-streams.mjs'
import { orderCheck } from '../../bench/load/order-check.mjs'
import { publishPaced, settle } from '../../bench/load/pace.mjs'

const STREAMS = 100
const PER_SECOND = 50
const [url] = process.argv.slice(2)

const lags = []
const report = { outOfOrder: 0 }
const streams = await openStreams(
  url,
  STREAMS,
  () => 'good',
  () => {
    const [meter, check] = [lagMeter(lags), orderCheck(report)]
    return (bytes) => {
      meter(bytes)
      check(bytes)
    }
  },
)
async function serve({ seconds }) {
  const count = seconds * PER_SECOND
  await publishPaced(url, count, PER_SECOND, () => ({ channel: 'good', data: datedData() }))
  await settle(() => lags.length)
  const { outOfOrder } = report
  const missed = count * STREAMS - lags.length
  process.send({ missed, outOfOrder, p50: quantile(lags, 0.5), p99: quantile(lags, 0.99) })
  for (const stream of streams) stream.close()
  process.disconnect()
}
process.on('message', (told) => void serve(told))
process.send({ isOpen: true })
