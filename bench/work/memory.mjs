import { openAll, streamRequest } from '../load/open-streams.mjs'
import { sleep } from '../load/sleep.mjs'
import { scaled } from '../settings.mjs'

const STREAMS = 10_000
const WARM_UP_STREAMS = 500
const IDLE_MS = 2000

/** Servers on Node have garbage, the others no need of a collection. */
async function collect(hub) {
  return hub.memory === undefined ? undefined : (await hub.memory(true)).rss
}

/** Garbage of the start must not count for less when it goes. */
async function lookBefore(hub) {
  await sleep(IDLE_MS)
  const collected = await collect(hub)
  return { asItStands: hub.resident(), collected }
}

async function lookAfter(hub) {
  await sleep(IDLE_MS)
  return { asItStands: hub.resident(), collected: await collect(hub) }
}

async function measure(peer, hub, { streams }) {
  const request = streamRequest(peer.pathOf('bench.0'))
  const open = (count) => openAll(hub.url, count, 50, () => ({ request }))
  for (const stream of await open(WARM_UP_STREAMS)) stream.close()
  const before = await lookBefore(hub)
  const opened = await open(streams)
  const after = await lookAfter(hub)
  const broken = opened.filter(({ isBroken }) => isBroken).length
  for (const stream of opened) stream.close()
  if (broken > 0) throw new Error(`${broken} streams were cut`)
  const each = (key) => (after[key] - before[key]) / streams
  return {
    asItStands: each('asItStands'),
    ...(before.collected !== undefined && { collected: each('collected') }),
    whole: after.asItStands / 1_000_000,
  }
}

export const memory = {
  name: 'memory',
  title: '(e) Memory for each of 10,000 idle streams of one channel',
  variants: [{ name: 'idle', streams: scaled(STREAMS) }],
  beside: {},
  can: () => true,
  options: { isIdle: true },
  measure,
  columns: [
    ['bytes as it stands', 'asItStands', 0],
    ['bytes after a collection', 'collected', 0],
    ['all processes MB', 'whole', 0],
  ],
}
