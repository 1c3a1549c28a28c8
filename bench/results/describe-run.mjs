import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { onPath } from '../on-path.mjs'
import { IS_QUICK, ROUNDS, SCALE, SECONDS } from '../settings.mjs'

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

export const dateText = () => `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** Before it: a commit that comes meanwhile is not what was measured. */
export function describeRun(works, names, load) {
  const set = ['BENCH_QUICK', 'BENCH_PEERS'].filter((name) => process.env[name])
  const settings = [
    ...(SCALE === 1 ? [] : [`BENCH_SCALE=${SCALE}`]),
    ...set.map((name) => `${name}=${process.env[name]}`),
    `BENCH_ROUNDS=${ROUNDS}`,
    `BENCH_SECONDS=${SECONDS}`,
  ]
  return {
    isTrial: IS_QUICK || SCALE !== 1 || process.env.BENCH_PEERS !== undefined,
    works: works.map(({ name }) => name),
    began: dateText(),
    ended: undefined,
    machine: `${cpus().length} × ${cpus()[0].model.trim()}, Linux ${release()}; load average before: ${load}`,
    versions: versions()
      .map((pair) => pair.join(' '))
      .join(', '),
    command: `${settings.join(' ')} npm run bench:peers${names.length === 0 ? '' : ` -- ${names.join(' ')}`}`,
  }
}
