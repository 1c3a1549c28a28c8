// Loaded into a hub by `--import`: collects garbage and tells its memory when asked, and ends with who asks. It needs --expose-gc.
import { setImmediate as turn } from 'node:timers/promises'
import './end-with-parent.mjs'

/** Node 20 takes options it does not know for a collection of the young generation alone. */
const knowsLastResort = !process.versions.node.startsWith('20.')

function collect(isLastResort) {
  if (isLastResort && knowsLastResort) {
    globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  } else globalThis.gc()
}

process.on('message', async ({ isLastResort }) => {
  // What is let go of by the end of a turn, or by the first collection, is found by the next.
  for (let round = 0; round < 3; round += 1) {
    collect(isLastResort)
    await turn()
  }
  process.send(process.memoryUsage())
})
