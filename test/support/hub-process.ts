import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { buildOnce, MAIN } from './build.ts'
import { request } from './request.ts'
import { recordLog, recordSettings } from './run-record.mjs'
import { waitFor } from './wait.ts'

const TELL_MEMORY = fileURLToPath(new URL('../../bench/hubs/tell-memory.mjs', import.meta.url))
const RUN_RECORD = fileURLToPath(new URL('run-record.mjs', import.meta.url))
const IS_RECORDED = process.env['TEST_LOGS'] !== undefined
const RECORDING = IS_RECORDED ? { TEST_LOGS: process.env['TEST_LOGS'] } : {}
const TELLING_MEMORY = ['--expose-gc', '--import', TELL_MEMORY]

/** The hub as operators run it: a process of its own. It is killed with the test. */
export interface HubProcess {
  readonly url: string
  readonly port: number
  /** Of `PIAZZA_INTERNAL_PORT`; 0 without it. */
  readonly internalPort: number
  readonly exitCode: number | null
  /** What it logged, a line each. */
  readonly log: readonly string[]
  /** Publishes one untyped message as it is; returns its id. */
  send(channel: string, data: string): Promise<string>
  /** `POST /publish`, which must store all. */
  publish(body: unknown): Promise<void>
  /** The value of a metric line; 0 if absent. */
  metric(line: string): Promise<number>
  /** Its memory after all garbage was collected; started with `tellsMemory`. */
  memory(): Promise<NodeJS.MemoryUsage>
  signal(name: NodeJS.Signals): void
  waitForExit(deadlineMs?: number): Promise<void>
}

export interface HubProcessOptions {
  /** Path of the Node that runs it; without: the one that runs the test. */
  readonly node?: string
  /** Of the command line, for Node. */
  readonly nodeOptions?: readonly string[]
  /** A module that is loaded before it. */
  readonly preload?: string
  readonly tellsMemory?: boolean
  /** Files it may have open. */
  readonly fileLimit?: number
  /** PEM: it speaks TLS. */
  readonly authority?: string
}

/** Starts `node dist/main.js` with these `PIAZZA_*` settings, and waits until it listens. */
export async function startHubProcess(
  settings: Record<string, string> = {},
  options: HubProcessOptions = {},
): Promise<HubProcess> {
  await buildOnce()
  recordSettings(settings)
  const [command, ...args] = commandOf(options)
  const child: ChildProcess = spawn(command as string, args, {
    env: { PATH: process.env['PATH'], ...RECORDING, PIAZZA_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe', options.tellsMemory === true ? 'ipc' : 'ignore'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const log: string[] = []
  const hear = (line: string) => {
    log.push(line)
    recordLog(`${line}\n`)
  }
  createInterface({ input: child.stdout! }).on('line', hear)
  createInterface({ input: child.stderr! }).on('line', hear)
  let started: Started | undefined
  await waitFor(
    'the hub process to start',
    () => {
      if (child.exitCode !== null) throw new Error(`the hub ended: ${log.join('\n')}`)
      started = log.map(toStarted).find((found) => found !== undefined)
      return started !== undefined
    },
    30_000,
  )
  const { url, internalUrl } = started!
  const port = portOf(url)
  const { authority } = options
  const ask = (method: string, path: string, body = '', headers: Record<string, string> = {}) =>
    request(port, method, path, headers, body, authority)
  return {
    url,
    port,
    internalPort: internalUrl === undefined ? 0 : portOf(internalUrl),
    log,
    get exitCode() {
      return child.exitCode
    },
    send: async (channel, data) => {
      const answer = await ask('POST', `/channels/${channel}`, data)
      if (answer.status !== 201) throw new Error(`publish: ${answer.status} ${answer.text}`)
      return (JSON.parse(answer.text) as { id: string }).id
    },
    publish: async (body) => {
      const headers = { 'content-type': 'application/json' }
      const answer = await ask('POST', '/publish', JSON.stringify(body), headers)
      if (answer.status !== 201) throw new Error(`publish: ${answer.status} ${answer.text}`)
    },
    metric: async (line) => {
      const { text } = await ask('GET', '/metrics')
      const found = text.split('\n').find((row) => row.startsWith(`${line} `))
      return Number(found?.slice(line.length) ?? 0)
    },
    memory: () =>
      new Promise((resolve) => {
        child.once('message', (memory) => {
          resolve(memory as NodeJS.MemoryUsage)
        })
        child.send({ isLastResort: true })
      }),
    signal: (name) => {
      child.kill(name)
    },
    waitForExit: (deadlineMs) =>
      waitFor('the hub process to end', () => child.exitCode !== null, deadlineMs),
  }
}

function commandOf(options: HubProcessOptions): string[] {
  const { node = process.execPath, nodeOptions = [], preload, tellsMemory, fileLimit } = options
  const flags = [...nodeOptions, ...(tellsMemory === true ? TELLING_MEMORY : [])]
  if (preload !== undefined) flags.push('--import', preload)
  // a hub whose memory is measured has nothing of ours in it
  if (IS_RECORDED && tellsMemory !== true) flags.push('--import', RUN_RECORD)
  const command = [node, ...flags, MAIN]
  if (fileLimit === undefined) return command
  return ['bash', '-c', `ulimit -n ${fileLimit} && exec "$@"`, 'bash', ...command]
}

/** What the hub tells when it listens. */
interface Started {
  readonly url: string
  readonly internalUrl?: string
}

function toStarted(line: string): Started | undefined {
  if (!line.startsWith('{')) return undefined
  const said = JSON.parse(line) as Started & { readonly msg?: string }
  return said.msg === 'started' ? said : undefined
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}
