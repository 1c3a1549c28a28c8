// node bench/rolling-update.mjs: three hubs over one Redis behind nginx are replaced one after the other (see README.md).
import { sleep } from './load/sleep.mjs'
import { freePort } from './free-port.mjs'
import { withRedis } from './redis-server.mjs'
import { withNginx } from './rolling/nginx.mjs'
import { publishOnAndOn } from './rolling/publisher.mjs'
import { createTally, Reader } from './rolling/reader.mjs'
import { startReplica, stopReplica } from './rolling/replica.mjs'

const STREAMS = Number(process.env.ROLLING_STREAMS ?? 2000)
const PER_SECOND = 2
const HUBS = 3
const BURST = 50
const DEADLINE_MS = 120_000
/** The most of the reconnects of one replacement that one second may have. */
const MAX_SHARE = 0.15

async function until(label, isTrue) {
  const startedMs = performance.now()
  while (!isTrue()) {
    if (performance.now() - startedMs > DEADLINE_MS) throw new Error(`in vain: ${label}`)
    await sleep(100)
  }
}

async function openReaders(port, tally) {
  const readers = []
  while (readers.length < STREAMS) {
    for (let i = 0; i < BURST && readers.length < STREAMS; i += 1) {
      readers.push(new Reader(`http://127.0.0.1:${port}/channels/news`, tally))
    }
    await until('streams', () => readers.every(({ isOpen }) => isOpen))
  }
  return readers
}

function busiestShare(opened) {
  const seconds = new Map()
  for (const ms of opened) {
    const second = Math.floor(ms / 1000)
    seconds.set(second, (seconds.get(second) ?? 0) + 1)
  }
  return Math.max(...seconds.values()) / opened.length
}

async function measure(redisPort) {
  const ports = await Promise.all(Array.from({ length: HUBS }, freePort))
  const port = await freePort()
  const hubs = []
  try {
    for (const one of ports) hubs.push(await startReplica(one, redisPort))
    return await withNginx(port, ports, async () => {
      const tally = createTally()
      await sleep(500)
      const readers = await openReaders(port, tally)
      const publisher = publishOnAndOn(ports, PER_SECOND)
      tally.opened.length = 0
      const stopSeconds = []
      const shares = []
      for (const [i, one] of ports.entries()) {
        const before = tally.opened.length
        stopSeconds.push((await stopReplica(hubs[i])) / 1000)
        hubs[i] = await startReplica(one, redisPort)
        await until('all streams again', () => readers.every(({ isOpen }) => isOpen))
        shares.push(busiestShare(tally.opened.slice(before)))
      }
      await publisher.stop()
      const { stored, refused } = publisher.state
      await until('the last message', () => readers.every(({ last }) => last === stored))
      for (const reader of readers) reader.close()
      return { tally, shares, stopSeconds, stored, refused }
    })
  } finally {
    for (const hub of hubs) hub.kill('SIGKILL')
  }
}

const { tally, shares, stopSeconds, stored, refused } = await withRedis(({ port }) => measure(port))
const percent = (share) => (share * 100).toFixed(1)
const statuses = [...tally.statuses].map(([status, count]) => `${status}: ${count}`).join(', ')
console.table({
  streams: STREAMS,
  'messages stored': stored,
  'publishes repeated': refused,
  'each hub stopped after, s': stopSeconds.map((seconds) => seconds.toFixed(1)).join(', '),
  reconnects: tally.opened.length,
  'busiest second, % of them': percent(busiestShare(tally.opened)),
  'busiest second of each hub, %': shares.map(percent).join(', '),
  'answers by status': statuses,
  'refused for now': tally.refused,
  'connections that failed': tally.failed,
  gaps: tally.gaps,
  lost: tally.lost,
  twice: tally.twice,
})
const isRight =
  tally.lost + tally.twice + tally.gaps + tally.failed === 0 &&
  [...tally.statuses.keys()].every((status) => status === 200) &&
  shares.every((share) => share <= MAX_SHARE)
if (!isRight) {
  console.error('a rolling update must lose nothing, repeat nothing and spread the reconnects')
  process.exitCode = 1
}
