import { CheckedChannel } from '../load/checked-channel.mjs'
import { LagHistogram } from '../load/lag-histogram.mjs'
import { openAll, streamRequest } from '../load/open-streams.mjs'
import { sleep } from '../load/sleep.mjs'
import { nodePeer } from '../peers/node-peer.mjs'
import { scaled } from '../settings.mjs'

const STREAMS = 10_000
/** Connects that are not answered yet, at any time. */
const UNANSWERED = 500
const MISSED = 100
const DEADLINE_MS = 60_000
const PUBLISH_EVERY_MS = 20

/** One publish after the other to a channel without streams: how long the slowest took. */
function publishMeanwhile(publisher) {
  const state = { isOver: false, slowest: 0 }
  const loop = async () => {
    while (!state.isOver) {
      const startMs = performance.now()
      await publisher.publish({ channel: 'other', data: '~0000000' })
      state.slowest = Math.max(state.slowest, performance.now() - startMs)
      await sleep(PUBLISH_EVERY_MS)
    }
  }
  const over = loop().catch((error) => {
    state.error = error
  })
  return async () => {
    state.isOver = true
    await over
    if (state.error !== undefined) throw state.error
    return state.slowest
  }
}

/** The id of a channel's first message, behind which `MISSED` others are stored. */
async function publishMissed(peer, hub, publisher, channel) {
  let text = ''
  const watcher = { request: streamRequest(peer.pathOf(channel.name)) }
  watcher.onContent = (bytes) => {
    text += bytes.latin1Slice()
  }
  const [stream] = await openAll(hub.url, 1, 1, () => watcher)
  await publisher.publish({ channel: channel.name, data: '~0000000'.padEnd(100, '.') })
  for (let i = 0; i < MISSED; i += 1) await publisher.publish(channel.next())
  const endMs = performance.now() + DEADLINE_MS
  const last = `~${String(MISSED).padStart(7, '0')}`
  while (!text.includes(last) && performance.now() < endMs) await sleep(10)
  stream.close()
  const block = text.split('\n\n').find((part) => part.includes('~0000000'))
  if (block === undefined) throw new Error('the message to resume behind did not come')
  return /^id: ?(.+)$/m.exec(block)[1]
}

async function measure(peer, hub, { streams, isResumed }) {
  const channel = new CheckedChannel('bench.0', new LagHistogram(), 100, 1)
  const publisher = peer.publisher(hub)
  let opened = []
  try {
    const lastEventId = isResumed ? await publishMissed(peer, hub, publisher, channel) : undefined
    const request = streamRequest(peer.pathOf(channel.name), lastEventId)
    const slowestOf = publishMeanwhile(publisher)
    const start = { ms: performance.now(), hub: hub.cpuSeconds() }
    opened = await openAll(hub.url, streams, UNANSWERED, () => ({
      request,
      onContent: isResumed ? channel.meter() : undefined,
    }))
    while (!channel.hasAll() && performance.now() < start.ms + DEADLINE_MS) await sleep(5)
    const seconds = (performance.now() - start.ms) / 1000
    const cpu = hub.cpuSeconds() - start.hub
    const slowest = await slowestOf()
    if (isResumed) channel.requireAll()
    if (opened.some(({ isBroken }) => isBroken)) throw new Error('streams were cut')
    const measured = { seconds, microseconds: (cpu / streams) * 1e6 }
    return peer.hasAnswers === false ? measured : { ...measured, slowest }
  } finally {
    publisher.close()
    for (const stream of opened) stream.close()
  }
}

export const storm = {
  name: 'storm',
  title:
    '(f) 10,000 streams at once, 500 connects unanswered at any time; one publish each 20 ms meanwhile',
  variants: [
    { name: 'new', streams: scaled(STREAMS), isResumed: false },
    { name: 'each resumes 100 messages', streams: scaled(STREAMS), isResumed: true },
  ],
  beside: { new: [nodePeer('nothing but an answer', 'hubs/answer.mjs')] },
  can: (peer, { isResumed }) => !isResumed || peer.hasResume === true,
  measure,
  columns: [
    ['seconds', 'seconds', 2],
    ['slowest publish ms', 'slowest', 0],
    ['CPU µs each', 'microseconds', 0],
  ],
}
