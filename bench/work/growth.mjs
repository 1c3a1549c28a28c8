import { openStreams } from '../load/open-streams.mjs'
import { publishPaced, settle } from '../load/pace.mjs'
import { sleep } from '../load/sleep.mjs'
import { IS_QUICK, SECONDS, scaled } from '../settings.mjs'

const DELIVERIES_PER_SECOND = 5000
const PUBLISHES_PER_SECOND = 500
const DATA = 'x'.repeat(100)
const FRAME_BYTES = 124
const MIN_MESSAGES = 3
const STREAM_COUNTS = IS_QUICK ? [10, 1000, 15_000] : [10, 100, 1000, 10_000, 15_000]
const CHANNEL_COUNTS = IS_QUICK ? [1, 100, 1000] : [1, 10, 100, 1000, 10_000]

/** CPU seconds of the hub while so many messages are published, the i-th to `channelOf(i)`. */
async function cpuOf({ url, cpuSeconds }, { count, perSecond, channelOf }) {
  const start = { cpu: cpuSeconds(), ms: performance.now() }
  const bodyOf = (i) => ({ channel: channelOf(i), data: DATA })
  await publishPaced(url, count, perSecond, bodyOf)
  await sleep(Math.max(0, start.ms + (count / perSecond) * 1000 - performance.now()))
  return cpuSeconds() - start.cpu
}

async function idleShareOf({ cpuSeconds }) {
  const start = { cpu: cpuSeconds(), ms: performance.now() }
  await sleep(SECONDS * 1000)
  return (cpuSeconds() - start.cpu) / ((performance.now() - start.ms) / 1000)
}

async function measure(_peer, hub, { streams, channels, perSecond }) {
  const channelOf = (i) => `bench.${i % channels}`
  // each channel gets one
  const count = Math.max(MIN_MESSAGES, channels, Math.ceil(SECONDS * perSecond))
  const opened = await openStreams(hub.url, streams, channelOf)
  const content = () => opened.reduce((sum, stream) => sum + stream.content, 0)
  await cpuOf(hub, { count, perSecond, channelOf }) // the code is compiled
  await settle(content)
  const idleShare = await idleShareOf(hub)
  const before = content()
  const cpu = await cpuOf(hub, { count, perSecond, channelOf })
  await settle(content)
  const deliveries = (count * streams) / channels
  if (content() - before !== deliveries * FRAME_BYTES) throw new Error('deliveries are missing')
  for (const stream of opened) stream.close()
  const seconds = count / perSecond
  return {
    microseconds: ((cpu - idleShare * seconds) / deliveries) * 1e6,
    hubShare: cpu / seconds,
  }
}

const oneChannel = (count) => ({
  name: `${count} streams of one channel`,
  isOneChannel: true,
  streams: scaled(count),
  channels: 1,
  perSecond: DELIVERIES_PER_SECOND / scaled(count),
})

const channelEach = (count) => ({
  name: count === 1 ? 'one channel, one stream' : `${count} channels, one stream each`,
  isOneChannel: false,
  streams: scaled(count),
  channels: scaled(count),
  perSecond: PUBLISHES_PER_SECOND,
})

/** The same rate of deliveries whatever there is of streams and channels, far below saturation. */
export const growth = {
  name: 'growth',
  title: '(growth) CPU of the server per delivery, publishing included, less what it takes idle',
  isRowEach: true,
  variants: [...STREAM_COUNTS.map(oneChannel), ...CHANNEL_COUNTS.map(channelEach)],
  beside: {},
  can: ({ name }) => name === 'piazza',
  measure,
  columns: [
    ['CPU µs per delivery', 'microseconds', 1],
    ['server core', 'hubShare', 2],
  ],
}
