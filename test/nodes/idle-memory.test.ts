import { expect, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { openIdleStreams } from '../support/idle-streams.ts'
import { NODES } from '../support/nodes.ts'
import { waitFor } from '../support/wait.ts'

/** Open at the first look, then so many more. */
const FIRST_STREAMS = 1000
const STREAMS = 3000
/** Attached to node:http it is 8 to 16 KB (bench/README.md has the numbers with 10,000 streams). */
const MAX_BYTES_PER_STREAM = 5000

test.each(NODES)(
  'an idle stream costs at most 5 KB of memory on Node %s',
  async (_version, node) => {
    const hub = await startHubProcess({}, { node, tellsMemory: true })
    const open = async () => hub.metric('piazza_streams')
    // What the code itself takes is there before anything is compared.
    for (const socket of await openIdleStreams(hub.port, 500)) socket.destroy()
    await waitFor('the first to be gone', async () => (await open()) === 0)
    await openIdleStreams(hub.port, FIRST_STREAMS)
    const before = await hub.memory()
    await openIdleStreams(hub.port, STREAMS)
    expect(await open()).toBe(FIRST_STREAMS + STREAMS)
    const after = await hub.memory()
    const rss = (after.rss - before.rss) / STREAMS
    const heap = (after.heapUsed - before.heapUsed) / STREAMS
    expect(rss).toBeLessThan(MAX_BYTES_PER_STREAM)
    expect(heap).toBeLessThan(2000)
  },
  60_000,
)
