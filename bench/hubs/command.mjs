// Runs a command that is not Node's, and ends it and all that it started with who started this.
import { spawn } from 'node:child_process'
import { descendantsOf } from '../processes.mjs'

const [command, ...args] = process.argv.slice(2)
const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
/** Pushpin's parts are in process groups of their own; those whose parent has ended are nobody's descendants. */
let known = []
const LOOK_EVERY_MS = 2000
const look = setInterval(() => {
  known = descendantsOf(process.pid)
}, LOOK_EVERY_MS)

function end() {
  clearInterval(look)
  for (const pid of new Set([...known, ...descendantsOf(process.pid)])) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it has ended already
    }
  }
  process.exit(1)
}
child.on('error', end)
child.on('exit', end)
process.on('disconnect', end)
process.on('SIGTERM', end)
