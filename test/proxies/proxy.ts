import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createFolder } from '../support/folder.ts'
import { waitFor } from '../support/wait.ts'

/** Starts nginx with this inside of `http { }`, and waits until it listens at the port. It ends with the test. */
export async function startNginx(http: string, port: number): Promise<void> {
  const folder = createFolder()
  const bodies = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const lines = [
    'daemon off;',
    'master_process off;', // one process, that ends when it is killed
    `pid ${folder}/pid;`,
    'events { worker_connections 256; }',
    'http {',
    'access_log off;',
    ...bodies.map((name) => `${name}_temp_path ${folder}/${name};`),
    http.replaceAll('/var/log/nginx', folder),
    '}',
  ]
  const path = join(folder, 'nginx.conf')
  writeFileSync(path, lines.join('\n'))
  await startProxy('nginx', ['-e', 'stderr', '-c', path], folder, port)
}

/** Starts HAProxy with this configuration, and waits until it listens at the port. It ends with the test. */
export async function startHaproxy(config: string, port: number): Promise<void> {
  const folder = createFolder()
  writeFileSync(join(folder, 'haproxy.cfg'), config)
  await startProxy('haproxy', ['-db', '-f', 'haproxy.cfg'], folder, port)
}

async function startProxy(
  command: string,
  args: readonly string[],
  cwd: string,
  port: number,
): Promise<void> {
  // where Debian has them, and not every PATH
  const env = { PATH: `${process.env['PATH']}:/usr/sbin` }
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let failure: Error | undefined
  const hear = (bytes: Buffer) => {
    said += bytes.toString()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  child.on('error', (error) => {
    failure = error
  })
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await waitFor(`${command} to end`, () => failure !== undefined || isOver())
  })
  await waitFor(`${command} to listen`, async () => {
    if (failure !== undefined || isOver()) throw failure ?? new Error(`${command} ended: ${said}`)
    return canConnect(port)
  })
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    const tell = (can: boolean) => () => {
      socket.destroy()
      resolve(can)
    }
    socket.on('connect', tell(true)).on('error', tell(false))
  })
}
