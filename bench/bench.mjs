// npm run bench: Piazza beside a naive Fastify hub, in one run. See README.md for what is measured and what distorts it.
import { fork, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const STREAMS = 1000
const PACED_PER_SECOND = 50
const SECONDS = Number(process.env.BENCH_SECONDS ?? 5)
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3)
const HUBS = {
  piazza: ['../dist/main.js'],
  naive: ['naive-hub.mjs'],
}
const here = (file) => fileURLToPath(new URL(file, import.meta.url))
const canPin = spawnSync('taskset', ['-c', '0', 'true']).status === 0

/** Runs `use(url)` with a hub on core 0. */
async function withHub(files, use) {
  const command = [process.execPath, ...files.map(here)]
  const pinned = canPin ? ['taskset', '-c', '0', ...command] : command
  const hub = spawn(pinned[0], pinned.slice(1), {
    env: {
      ...process.env,
      PIAZZA_PORT: '0',
      PIAZZA_LOG_LEVEL: 'info',
      PIAZZA_STREAM_MAX_AGE: 'off',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    return await use(await startedUrl(hub))
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

/** Runs one task of the load on core 1. */
function runLoad(task, args) {
  return new Promise((resolve, reject) => {
    const load = fork(here('load.mjs'))
    if (canPin) spawnSync('taskset', ['-acp', '1', String(load.pid)])
    load.on('message', ({ result, error }) => (error ? reject(new Error(error)) : resolve(result)))
    load.send({ task, args })
  })
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

const rows = Object.fromEntries(
  Object.keys(HUBS).map((name) => [name, { saturated: [], paced: [] }]),
)
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, files] of Object.entries(HUBS)) {
    const saturated = await withHub(files, (url) => runLoad('saturate', [url, STREAMS, SECONDS]))
    const paced = await withHub(files, (url) =>
      runLoad('pace', [url, STREAMS, PACED_PER_SECOND, SECONDS]),
    )
    for (const { missing, outOfOrder } of [saturated, paced]) {
      if (missing !== 0 || outOfOrder !== 0) {
        throw new Error(
          `${name}: ${missing} deliveries or streams incomplete, ${outOfOrder} out of order`,
        )
      }
    }
    rows[name].saturated.push(saturated.deliveriesPerSecond)
    rows[name].paced.push(paced)
    process.stderr.write(
      `round ${round + 1} ${name}: ${Math.round(saturated.deliveriesPerSecond)}/s, p50 ${paced.p50.toFixed(1)} ms, p99 ${paced.p99.toFixed(1)} ms\n`,
    )
  }
}
const { deliveriesPerSecond: ceiling } = await withHub(['ceiling-hub.mjs'], (url) =>
  runLoad('ceiling', [url, STREAMS, SECONDS]),
)
const summary = Object.entries(rows).map(([hub, { saturated, paced }]) => ({
  hub,
  'deliveries/s at saturation': Math.round(median(saturated)),
  'p50 ms': Number(median(paced.map(({ p50 }) => p50)).toFixed(1)),
  'p99 ms': Number(median(paced.map(({ p99 }) => p99)).toFixed(1)),
}))
console.log(
  `${STREAMS} streams, 1 channel, 100-byte data; paced: ${PACED_PER_SECOND} msg/s; medians of ${ROUNDS}`,
)
console.table(summary)
const [piazza, naive] = summary
const ratio = piazza['deliveries/s at saturation'] / naive['deliveries/s at saturation']
console.log(
  `saturation: ${ratio.toFixed(1)} x the naive hub; paced p50 ${(piazza['p50 ms'] / naive['p50 ms']).toFixed(2)} x, p99 ${(piazza['p99 ms'] / naive['p99 ms']).toFixed(2)} x`,
)
console.log(`the load tool's own ceiling: ${Math.round(ceiling)} deliveries/s`)
