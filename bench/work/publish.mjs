import { publishOn } from '../load/publish-on.mjs'
import { sleep } from '../load/sleep.mjs'
import { nodePeer } from '../peers/node-peer.mjs'
import { SECONDS } from '../settings.mjs'

const CONNECTIONS = 16
/** V8 compiles beside it at first: with 2 s Piazza took up to a fifth more than with 8, bare Fastify no more. */
const WARM_UP_MS = 8000
const MESSAGE = { channel: 'bench', data: 'x'.repeat(100) }

async function measure(peer, hub, { batch }) {
  const body = batch === 1 ? MESSAGE : Array.from({ length: batch }, () => MESSAGE)
  const publishers = Array.from({ length: CONNECTIONS }, () => peer.publisher(hub))
  const loops = publishers.map((publisher) => publishOn(publisher, () => body, 1))
  const published = () => loops.reduce((sum, loop) => sum + loop.published(), 0)
  await sleep(WARM_UP_MS)
  const start = {
    requests: published(),
    ms: performance.now(),
    hub: hub.cpuSeconds(),
    own: process.cpuUsage(),
  }
  await sleep(SECONDS * 1000)
  const requests = published() - start.requests
  const took = (performance.now() - start.ms) / 1000
  const cpu = hub.cpuSeconds() - start.hub
  const own = process.cpuUsage(start.own)
  await Promise.all(loops.map((loop) => loop.stop()))
  for (const publisher of publishers) publisher.close()
  return {
    perSecond: (requests * batch) / took,
    microseconds: (cpu / requests) * 1e6,
    hubShare: cpu / took,
    loadShare: (own.user + own.system) / 1e6 / took,
  }
}

export const publish = {
  name: 'publish',
  title:
    '(g) Publishes without streams, 16 connections with one request unanswered each, 100 bytes',
  variants: [
    { name: 'single', batch: 1 },
    { name: 'batches of 100', batch: 100 },
  ],
  beside: {
    single: [
      nodePeer('bare Fastify', 'hubs/bare.mjs'),
      nodePeer('nothing but an answer', 'hubs/answer.mjs'),
    ],
  },
  can: (peer, { batch }) => peer.hasAnswers !== false && (batch === 1 || peer.hasBatches === true),
  measure,
  columns: [
    ['messages/s', 'perSecond', 0],
    ['CPU µs per request', 'microseconds', 1],
    ['server core', 'hubShare', 2],
    ['load core', 'loadShare', 2],
  ],
}
