import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { onPath } from '../on-path.mjs'
import { ROUNDS, SCALE, SECONDS } from '../settings.mjs'
import { tablesOf } from './table.mjs'
import { targetTable } from './targets.mjs'

function output(command, ...args) {
  const file = onPath(command)
  if (file === undefined) return undefined
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  return `${stdout}${stderr}`.trim().split('\n')[0]
}

const packages = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

function versions() {
  return [
    ['Piazza', output('git', 'describe', '--always', '--dirty', '--exclude=*')],
    ['Node', process.version],
    ['fastify', packages.dependencies.fastify],
    ['better-sse', packages.devDependencies['better-sse']],
    ['@fastify/sse', packages.devDependencies['@fastify/sse']],
    ['nginx', output('nginx', '-v')?.replace('nginx version: ', '')],
    ['nchan', output('dpkg-query', '-W', '-f=${Version}', 'libnginx-mod-nchan')],
    ['Pushpin', output('pushpin', '--version')?.replace('pushpin ', '')],
    ['Mercure', output('mercure', 'version')],
    ['Centrifugo', output('centrifugo', 'version')],
    ['C compiler', output('cc', '--version')],
  ].filter(([, version]) => version !== undefined)
}

/** The whole of results.md. */
export function writeUp(results, works, peers) {
  const scale = SCALE === 1 ? '' : `BENCH_SCALE=${SCALE} `
  const chosen = process.env.BENCH_PEERS ? `BENCH_PEERS=${process.env.BENCH_PEERS} ` : ''
  const machine = `${cpus().length} × ${cpus()[0].model.trim()}, Linux ${release()}`
  const tables = works.flatMap((work) => [
    `## ${work.title}\n`,
    ...tablesOf(results, work, peers).map(({ title, table }) => `${title}:\n\n${table}\n`),
  ])
  const leftOut = [...results.leftOut].map(([name, reason]) => `- ${name}: ${reason}`)
  return [
    '# Results\n',
    'Written by `npm run bench:peers`: do not edit. What each column is, and what distorts it: [README.md](README.md).\n',
    `- date: ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `- machine: ${machine}; load average before: ${results.loadBefore}`,
    `- versions: ${versions()
      .map((pair) => pair.join(' '))
      .join(', ')}`,
    `- command: \`${scale}${chosen}BENCH_ROUNDS=${ROUNDS} BENCH_SECONDS=${SECONDS} npm run bench:peers\``,
    ...(SCALE === 1 ? [] : [`- streams and channels × ${SCALE}: a trial, not a result`]),
    ...leftOut,
    '',
    'Medians of the rounds, in brackets the lowest to the highest; a round that failed has no part in them, and its row says so. `–`: the peer can not do this.\n',
    '## Targets\n',
    `${targetTable(results, works, peers)}\n`,
    ...tables,
  ].join('\n')
}
