import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { withFolder } from '../command.mjs'
import { endingWithUs } from '../ending-with-us.mjs'
import { onCoreOfHub } from '../hub.mjs'
import { openAll, streamRequest } from '../load/open-streams.mjs'
import { settle } from '../load/pace.mjs'
import { onPath } from '../on-path.mjs'
import { SECONDS } from '../settings.mjs'

const SOURCE = fileURLToPath(new URL('../load/send-loop.c', import.meta.url))
const FRAME_BYTES = 124

/** The kernel's own cost of a delivery: a loop of send() in C, at the same pace to as many sockets of the same load. */
export const sendLoop = {
  name: 'C loop of send()',
  missing: () => (onPath('cc') === undefined ? 'no cc to compile it: left out' : undefined),
  run: (use) =>
    withFolder(async (folder) => {
      const program = join(folder, 'send-loop')
      const compiled = spawnSync('cc', ['-O2', '-o', program, SOURCE], { encoding: 'utf8' })
      if (compiled.status !== 0) throw new Error(`cc: ${compiled.stderr}`)
      return use({ program })
    }),
  async measure({ program }, { streams, perSecond }) {
    const args = [streams, perSecond, SECONDS].map(String)
    const [command, ...rest] = onCoreOfHub(endingWithUs([program, ...args]))
    const server = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const lines = createInterface({ input: server.stdout })
      const [port] = await once(lines, 'line')
      const told = once(lines, 'line')
      const request = streamRequest('/')
      const opened = await openAll(`http://127.0.0.1:${port}`, streams, 50, () => ({ request }))
      const [microseconds] = await told
      const total = () => opened.reduce((sum, { content }) => sum + content, 0)
      await settle(total)
      const expected = Math.floor(perSecond * SECONDS) * streams * FRAME_BYTES
      if (total() !== expected) throw new Error(`${total()} bytes came of ${expected}`)
      for (const stream of opened) stream.close()
      return { microseconds: Number(microseconds) }
    } finally {
      server.kill('SIGKILL')
    }
  },
}
