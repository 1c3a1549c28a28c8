import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endingWithUs } from '../ending-with-us.mjs'

const DOCUMENT = new URL('../../docs/proxies.md', import.meta.url)
const BODIES = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** Runs `use` with an nginx as docs/proxies.md has it, before the hubs at these ports. */
export async function withNginx(port, hubPorts, use) {
  const folder = await mkdtemp(join(tmpdir(), 'piazza-bench-'))
  const lines = [
    'daemon off;',
    'master_process off;',
    `pid ${folder}/pid;`,
    `error_log ${folder}/error.log;`, // hubs that are away are no news
    'events { worker_connections 16384; }',
    'http {',
    ...BODIES.map((name) => `${name}_temp_path ${folder}/${name};`),
    (await readRecipe(port, hubPorts)).replaceAll('/var/log/nginx', folder),
    '}',
  ]
  const path = join(folder, 'nginx.conf')
  await writeFile(path, lines.join('\n'))
  const PATH = `${process.env.PATH}:/usr/sbin`
  const [command, ...args] = endingWithUs(['nginx', '-e', 'stderr', '-c', path])
  const nginx = spawn(command, args, {
    env: { PATH },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  try {
    return await use()
  } finally {
    nginx.kill('SIGKILL')
    await rm(folder, { recursive: true })
  }
}

async function readRecipe(port, hubPorts) {
  const [, recipe] = /^```nginx\n([^]*?)^```$/m.exec(await readFile(DOCUMENT, 'utf8'))
  const servers = hubPorts.map((hub) => `  server 127.0.0.1:${hub} max_fails=0;\n`).join('')
  return recipe
    .replace(/(?: {2}server 10\.0\.0\.\d:8080 max_fails=0;\n)+/, servers)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
}
