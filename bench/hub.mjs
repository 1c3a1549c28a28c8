// Starts the hub that is measured: a process of its own, on core 0. The load is the process that calls this, on core 1.
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { sleep } from './load/sleep.mjs'
import { cpuSecondsOf, residentBytesOf } from './processes.mjs'

const MAIN = '../dist/main.js'
const canPin = spawnSync('taskset', ['-c', '0,1', 'true']).status === 0

const here = (file) => fileURLToPath(new URL(file, import.meta.url))

/** A command that runs on core 0. */
export function onCoreOfHub(command) {
  return canPin ? ['taskset', '-c', '0', ...command] : command
}

/** Puts this process, the load, on core 1. */
export function pinLoad() {
  if (canPin) spawnSync('taskset', ['-acp', '1', String(process.pid)])
  else process.stderr.write('no taskset or one core only: nothing is pinned, expect noise\n')
}

/** Runs `use(hub)` with a fresh hub, which is killed afterwards. `file` logs a line `started` with its `url`. */
export async function withHub(use, { file = MAIN, node = process.execPath, env = {} } = {}) {
  const command = [node, '--expose-gc', '--import', here('hubs/tell-memory.mjs'), here(file)]
  const pinned = onCoreOfHub(command)
  const hub = spawn(pinned[0], pinned.slice(1), {
    env: {
      ...process.env,
      PIAZZA_PORT: '0',
      PIAZZA_LOG_LEVEL: 'info',
      PIAZZA_STREAM_MAX_AGE: 'off',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  try {
    const url = await startedUrl(hub)
    await whenReady(url)
    return await use({
      url,
      cpuSeconds: () => cpuSecondsOf([hub.pid]),
      resident: () => residentBytesOf([hub.pid]),
      memory: (isLastResort = false) => memoryOf(hub, isLastResort),
    })
  } finally {
    hub.kill('SIGKILL')
  }
}

function startedUrl(hub) {
  return new Promise((resolve, reject) => {
    let text = ''
    hub.on('exit', (code) => reject(new Error(`the hub ended with ${code}`)))
    hub.stdout.on('data', (bytes) => {
      text += bytes
      for (const line of text.split('\n').slice(0, -1)) {
        if (line.includes('"msg":"started"')) resolve(JSON.parse(line).url)
      }
    })
  })
}

/** It has reached its Redis, if it has one. */
async function whenReady(url) {
  while ((await fetch(`${url}/readyz`)).status === 503) await sleep(20)
}

/** `process.memoryUsage()` of the hub after a forced collection; `isLastResort`: of all that V8 can give back. */
function memoryOf(hub, isLastResort) {
  return new Promise((resolve) => {
    hub.once('message', resolve)
    hub.send({ isLastResort })
  })
}
