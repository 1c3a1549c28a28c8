// npm run bench:peers: Piazza beside other hubs, the same work for each in one run; `npm run bench:peers -- lag storm`
// makes these works only. A run of all works of all peers writes results.md; with BENCH_RAW it can be made in several:
// what came out is kept in that file. See README.md.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { requireFiles } from './file-limit.mjs'
import { PEERS } from './peers/all.mjs'
import { dateText, describeRun } from './results/describe-run.mjs'
import { Results } from './results/results.mjs'
import { targetTable } from './results/targets.mjs'
import { writeUp } from './results/write-up.mjs'
import { tablesOf } from './results/table.mjs'
import { ROUNDS, scaled } from './settings.mjs'
import { WORKS } from './work/all.mjs'

/** The longest takes a minute; what takes longer hangs. */
const DEADLINE_MS = 240_000

const here = (file) => fileURLToPath(new URL(file, import.meta.url))
const load = () => readFileSync('/proc/loadavg', 'latin1').split(' ').slice(0, 3).join(' ')

function choose(list, names, kind) {
  if (names.length === 0) return list
  const unknown = names.find((wanted) => !list.some(({ name }) => name === wanted))
  if (unknown === undefined) return list.filter(({ name }) => names.includes(name))
  throw new Error(
    `there is no ${kind} ${unknown}: there are ${list.map(({ name }) => name).join(', ')}`,
  )
}

/** One measurement: its values, or why there are none. */
function run(work, variant, peer) {
  return new Promise((resolve) => {
    const args = ['--import', here('hubs/end-with-parent.mjs'), here('work/run.mjs')]
    const child = spawn(process.execPath, [...args, work.name, variant.name, peer.name], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    let outcome
    const deadline = setTimeout(() => {
      outcome ??= { failed: `not through after ${DEADLINE_MS / 1000} s` }
      child.kill('SIGKILL')
    }, DEADLINE_MS)
    child.on('message', (message) => {
      outcome ??= message
    })
    child.on('exit', (code) => {
      clearTimeout(deadline)
      resolve(outcome ?? { failed: `the load ended with ${code}` })
    })
  })
}

const peerNames = (process.env.BENCH_PEERS ?? '').split(',').filter((name) => name !== '')
const workNames = process.argv.slice(2)
const works = choose(WORKS, workNames, 'work')
const peers = choose(PEERS, peerNames, 'peer')
requireFiles(scaled(15_000))
const raw = process.env.BENCH_RAW
const results =
  raw !== undefined && existsSync(raw) ? Results.fromText(readFileSync(raw, 'utf8')) : new Results()
const made = describeRun(works, workNames, load())
results.beginRun(made)
for (const peer of peers) {
  const reason = peer.missing()
  results.leftOut.delete(peer.name) // an earlier part may have had none
  if (reason !== undefined) {
    results.leaveOut(peer, reason)
    console.log(`${peer.name}: ${reason}`)
  }
}
for (const work of works) {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const variant of work.variants) {
      for (const peer of [...peers, ...(work.beside[variant.name] ?? [])]) {
        const reason = peer.missing()
        if (reason !== undefined) results.leaveOut(peer, reason)
        else if (peer.measure === undefined && !work.can(peer, variant)) continue
        else results.add(work, variant, peer, await run(work, variant, peer))
      }
    }
  }
  for (const { title, table } of tablesOf(results, work, peers)) {
    console.log(`\n${work.title}: ${title} (load average ${load()})\n${table}`)
  }
}
made.ended = dateText()
if (raw !== undefined) writeFileSync(raw, results.toText())
const isWhole =
  results.runs.every(({ isTrial }) => !isTrial) && WORKS.every(({ name }) => results.hasWork(name))
const file = process.env.BENCH_RESULTS ?? (isWhole ? here('results.md') : undefined)
if (file !== undefined) writeFileSync(file, writeUp(results, WORKS, peers))
console.log(`\nTargets\n${targetTable(results, works, peers)}`)
const [piazza] = PEERS
const failed = works.flatMap((work) =>
  work.variants.flatMap(({ name }) => results.failures(work.name, name, piazza.name).reasons),
)
if (failed.length > 0) process.exitCode = 1
