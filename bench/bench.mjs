// npm run bench: all measurements, one after the other, each in processes of its own; `npm run bench -- memory growth`
// makes these only. See README.md for what is measured and what distorts it.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { fileURLToPath } from 'node:url'

const ALL = ['memory', 'connect', 'growth', 'latency', 'saturation', 'stalled-reader', 'redis']
const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !ALL.includes(name))
if (unknown !== undefined) throw new Error(`there is no ${unknown}: there are ${ALL.join(', ')}`)

const load = () => readFileSync('/proc/loadavg', 'latin1').split(' ').slice(0, 3).join(' ')
console.log(
  `Node ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0].model.trim()}`,
)
for (const name of wanted.length === 0 ? ALL : wanted) {
  console.log(`\n${name} (load average before: ${load()})`)
  const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url))
  const { status } = spawnSync(process.execPath, [file], { stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
