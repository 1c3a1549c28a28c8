import { expect, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { openIdleStreams } from '../support/idle-streams.ts'
import { NODES } from '../support/nodes.ts'
import { waitFor } from '../support/wait.ts'

const STREAMS = 10_000
/** Attached to node:http it is 8 to 14 KB (bench/README.md). */
const MAX_BYTES_PER_STREAM = 5000
const RELEASE_DEADLINE_MS = 15_000
/** Where the i-th stream goes, and what the heap may have of each. */
const CHANNELS = [
  ['one channel', () => '/channels/idle', 2000],
  ['a channel each', (i: number) => `/channels/idle-${i}`, 3000],
] as const

// A fresh process and default flags, as operators run it. The collection is of the last resort where Node has one: it
// gives back the pages that V8's young generation keeps after a storm of connects: an ordinary one may leave more than the
// bound (bench/README.md, "What distorts it").
test.each(
  NODES.flatMap(([version, node]) =>
    CHANNELS.map(
      ([channels, pathOf, maxHeapBytes]) =>
        [channels, version, node, pathOf, maxHeapBytes] as const,
    ),
  ),
)(
  '10,000 idle streams of %s cost at most 5 KB of memory each on Node %s',
  async (_channels, _version, node, pathOf, maxHeapBytes) => {
    const hub = await startHubProcess({}, { node, tellsMemory: true })
    const open = async () => hub.metric('piazza_streams')
    // What the code itself takes is there before anything is compared.
    for (const socket of await openIdleStreams(hub.port, 500, pathOf)) socket.destroy()
    await waitFor('the first to be gone', async () => (await open()) === 0)
    const before = await hub.memory()
    await openIdleStreams(hub.port, STREAMS, pathOf)
    expect(await open()).toBe(STREAMS)
    let after = before
    const grownBytes = (by: 'rss' | 'heapUsed') => (after[by] - before[by]) / STREAMS
    // Node 20 gives back the young generation's pages over some collections only.
    const endMs = performance.now() + RELEASE_DEADLINE_MS
    do after = await hub.memory()
    while (grownBytes('rss') >= MAX_BYTES_PER_STREAM && performance.now() < endMs)
    expect(grownBytes('rss')).toBeLessThan(MAX_BYTES_PER_STREAM)
    expect(grownBytes('heapUsed')).toBeLessThan(maxHeapBytes)
  },
  120_000,
)
