// Starts a server that is not Node's on core 0, from a template of its configuration.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onCoreOfHub } from './hub.mjs'
import { sleep } from './load/sleep.mjs'
import { cpuSecondsOf, descendantsOf, residentBytesOf } from './processes.mjs'

const START_DEADLINE_MS = 20_000

const here = (file) => fileURLToPath(new URL(file, import.meta.url))

/** Runs `use(folder)` with a folder for what a server writes, which is removed afterwards. */
export async function withFolder(use) {
  const folder = await mkdtemp(join(tmpdir(), 'piazza-bench-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Writes peers/<name> into the folder, with `{{KEY}}` replaced by `values.KEY`; says where. */
export async function writeConfig(folder, name, values) {
  const template = await readFile(here(`peers/${name}`), 'utf8')
  const file = join(folder, name)
  await writeFile(
    file,
    template.replaceAll(/\{\{(\w+)\}\}/g, (_, key) => String(values[key])),
  )
  return file
}

/** Runs `use(hub)` while a command runs that listens on these ports; all its processes are killed afterwards. */
export async function withCommand(command, ports, use) {
  // Only the command is on the hub's core: what looks after its processes takes nothing of it.
  const args = [here('hubs/command.mjs'), ...onCoreOfHub(command)]
  const wrapper = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let said = ''
  wrapper.stderr.on('data', (bytes) => {
    said = (said + bytes).slice(-2000)
  })
  const ended = once(wrapper, 'exit')
  try {
    for (const port of ports) {
      await Promise.race([
        whenListening(port),
        ended.then(() => {
          throw new Error(`${command[0]} ended: ${said}`)
        }),
      ])
    }
    const pids = () => descendantsOf(wrapper.pid)
    return await use({
      url: `http://127.0.0.1:${ports[0]}`,
      pids,
      cpuSeconds: () => cpuSecondsOf(pids()),
      resident: () => residentBytesOf(pids()),
    })
  } finally {
    wrapper.kill('SIGTERM')
    await ended
  }
}

async function whenListening(port) {
  const endMs = performance.now() + START_DEADLINE_MS
  while (!(await isListening(port))) {
    if (performance.now() > endMs) throw new Error(`nothing listened on ${port} for 20 s`)
    await sleep(50)
  }
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    const answer = (isOpen) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })
}
