// node bench/memory.mjs: what an idle stream costs, on this Node or on those named (see README.md).
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { pinLoad, withHub } from './hub.mjs'
import { closeStreams, openStreams } from './load/open-streams.mjs'
import { range } from './load/range.mjs'
import { sleep } from './load/sleep.mjs'
import { ROUNDS } from './settings.mjs'

const STREAMS = Number(process.env.BENCH_STREAMS ?? 10_000)
/** Opened and closed first: what the code itself takes is there before anything is compared. */
const WARM_UP_STREAMS = 500
const IDLE_MS = 1000
/** As in a version of Node whose node:http is not known: the streams stay attached to it. */
const HIDE_HTTP_LISTENERS = new URL('../test/nodes/hide-http-listeners.mjs', import.meta.url).href
const CASES = {
  one: { channelOf: () => 'bench' },
  'one each': { channelOf: (i) => `bench.${i}` },
  'one, attached': {
    channelOf: () => 'bench',
    env: { NODE_OPTIONS: `--import=${HIDE_HTTP_LISTENERS}` },
  },
}

/** This one, unless others are named: BENCH_NODES=20,22,24,26. */
const VERSIONS = process.env.BENCH_NODES?.split(',') ?? [process.version]

function nodeOf(version) {
  if (version === process.version) return process.execPath
  const node = fileURLToPath(new URL(`../.cache/nodes/${version}`, import.meta.url))
  if (!existsSync(node)) throw new Error('run script/nodes/install first')
  return node
}

/** Memory after an ordinary collection, and after V8 has given back what it can. */
async function look(memory) {
  return { pooled: await memory(), released: await memory(true) }
}

async function measure({ url, memory }, channelOf) {
  await closeStreams(url, await openStreams(url, WARM_UP_STREAMS, channelOf))
  await sleep(IDLE_MS)
  const before = await look(memory)
  const streams = await openStreams(url, STREAMS, channelOf)
  await sleep(IDLE_MS)
  const after = await look(memory)
  for (const stream of streams) stream.close()
  return {
    released: (after.released.rss - before.released.rss) / STREAMS,
    pooled: (after.pooled.rss - before.pooled.rss) / STREAMS,
    heap: (after.released.heapUsed - before.released.heapUsed) / STREAMS,
    whole: after.pooled.rss / 1_000_000,
  }
}

pinLoad()
const rows = []
for (const version of VERSIONS) {
  for (const [channels, { channelOf, env = {} }] of Object.entries(CASES)) {
    const results = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const options = { node: nodeOf(version), env }
      results.push(await withHub((hub) => measure(hub, channelOf), options))
    }
    const rangeOf = (key) => range(results.map((result) => result[key]))
    rows.push({
      node: version,
      channels,
      'RSS bytes': rangeOf('released'),
      'with free pages': rangeOf('pooled'),
      'JS heap bytes': rangeOf('heap'),
      'process MB': rangeOf('whole'),
    })
  }
}
console.log(`${STREAMS} idle streams, for each of them`)
console.table(rows)
