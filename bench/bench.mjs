// npm run bench: measurements of Piazza, one after the other, each in processes of its own, in some 3 minutes;
// `npm run bench -- memory redis` makes these only, and `BENCH_QUICK=0 npm run bench` takes its time. See README.md for
// what is measured and what distorts it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { fileURLToPath } from 'node:url'

/** Files of this folder, and works of `bench:peers` beside the naive hub. */
const ORDINARY = ['memory', 'connect', 'growth', 'lag', 'saturation']
/** These are made when they are named. */
const ALL = [...ORDINARY, 'stalled-reader', 'redis', 'replicas']
const WORKS = new Set(['growth', 'lag', 'saturation'])
const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !ALL.includes(name))
if (unknown !== undefined) throw new Error(`there is no ${unknown}: there are ${ALL.join(', ')}`)

const load = () => readFileSync('/proc/loadavg', 'latin1').split(' ').slice(0, 3).join(' ')
console.log(
  `Node ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0].model.trim()}`,
)
for (const name of wanted.length === 0 ? ORDINARY : wanted) {
  console.log(`\n${name} (load average before: ${load()})`)
  const [file, args] = WORKS.has(name) ? ['peers.mjs', [name]] : [`${name}.mjs`, []]
  const [path, endWithParent] = [file, 'hubs/end-with-parent.mjs'].map((relative) =>
    fileURLToPath(new URL(relative, import.meta.url)),
  )
  const measurement = spawn(process.execPath, ['--import', endWithParent, path, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { BENCH_QUICK: '1', BENCH_PEERS: 'piazza,naive', ...process.env },
  })
  const [status] = await once(measurement, 'exit')
  if (status !== 0) process.exit(1)
}
