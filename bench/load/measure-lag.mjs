import { checkedLags } from './checked-lags.mjs'
import { datedData, quantile } from './lag.mjs'
import { openStreams } from './open-streams.mjs'
import { publishPaced, settle } from './pace.mjs'

const datedMessage = () => ({ channel: 'bench', data: datedData() })

/** Time from publish at `publishUrl` to arrival on `count` streams of `streamUrl`, ms, at a fixed rate. */
export async function measureLag({ publishUrl, streamUrl, count, perSecond, seconds }) {
  const { lags, meterOf, requireAll } = checkedLags()
  const streams = await openStreams(streamUrl, count, () => 'bench', meterOf)
  lags.length = 0
  const messages = perSecond * seconds
  await publishPaced(publishUrl, messages, perSecond, datedMessage)
  await settle(() => lags.length)
  for (const stream of streams) stream.close()
  requireAll(messages * count)
  return { p50: quantile(lags, 0.5), p99: quantile(lags, 0.99) }
}
