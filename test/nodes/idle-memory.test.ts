import { expect, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { openIdleStreams } from '../support/idle-streams.ts'
import { NODES } from '../support/nodes.ts'
import { waitFor } from '../support/wait.ts'

const STREAMS = 10_000
/** Attached to node:http it is 8 to 14 KB (bench/README.md). */
const MAX_BYTES_PER_STREAM = 5000

// A fresh process and default flags, as operators run it. The collection is of the last resort where Node has one: it
// gives back the pages that V8's young generation keeps after a storm of connects (bench/README.md, "What distorts it").
test.each(NODES)(
  '10,000 idle streams cost at most 5 KB of memory each on Node %s',
  async (_version, node) => {
    const hub = await startHubProcess({}, { node, tellsMemory: true })
    const open = async () => hub.metric('piazza_streams')
    // What the code itself takes is there before anything is compared.
    for (const socket of await openIdleStreams(hub.port, 500)) socket.destroy()
    await waitFor('the first to be gone', async () => (await open()) === 0)
    const before = await hub.memory()
    await openIdleStreams(hub.port, STREAMS)
    expect(await open()).toBe(STREAMS)
    const after = await hub.memory()
    const rss = (after.rss - before.rss) / STREAMS
    const heap = (after.heapUsed - before.heapUsed) / STREAMS
    expect(rss).toBeLessThan(MAX_BYTES_PER_STREAM)
    expect(heap).toBeLessThan(2000)
  },
  120_000,
)
