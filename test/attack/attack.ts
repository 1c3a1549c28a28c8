import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { type HubProcess } from '../support/hub-process.ts'
import { passTime } from '../support/position.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

/** What 100 good streams saw of 50 messages a second, lags in ms. */
interface Service {
  readonly missed: number
  readonly outOfOrder: number
  readonly p50: number
  readonly p99: number
}

export interface Attacked {
  readonly service: Service
  /** The most that its memory grew, RSS. */
  readonly grownBytes: number
  /** What the attacker tells. */
  readonly seen: Readonly<Record<string, number>>
  /** What the metrics show of it, by code or reason. */
  readonly refused: Readonly<Record<string, number>>
}

const REFUSAL =
  /^piazza_(?:http_errors|streams_refused|streams_closed|connections_refused)_total(?:\{\w+="([^"]+)"\})? ([1-9]\d*)$/gm

async function readRefusals(hub: HubProcess): Promise<Record<string, number>> {
  const { text } = await request(hub.port, 'GET', '/metrics')
  const rows = text.matchAll(REFUSAL)
  return Object.fromEntries(
    [...rows].map(([, name, count]) => [name ?? 'connections', Number(count)]),
  )
}

const MAX_P99_MS = 1000
/** The good ones begin before the attack, and go on behind it. */
const MARGIN_SECONDS = 2

/** What is asked costs the hub some time, too. */
const LOOK_EVERY_MS = 500

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url))

function start(file: string, ...args: readonly string[]): ChildProcess {
  const child = fork(pathOf(file), args)
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

async function hear<T>(from: ChildProcess): Promise<T> {
  const gone = once(from, 'exit').then(([code]) => {
    throw new Error(`${from.spawnargs.join(' ')} ended with ${String(code)}`)
  })
  gone.catch(() => {})
  const [message] = await Promise.race([once(from, 'message'), gone])
  return message as T
}

/** Attacks for so long, while good clients are served, each in a process of its own. */
export async function attack(hub: HubProcess, name: string, seconds: number): Promise<Attacked> {
  const rss = () => hub.metric('process_resident_memory_bytes')
  const files = await hub.metric('process_open_fds')
  const good = start('good-clients.mjs', hub.url)
  await hear(good)
  const beforeBytes = await rss()
  let mostBytes = beforeBytes
  good.send({ seconds: seconds + MARGIN_SECONDS })
  const served = hear<Service>(good)
  const attacking = hear<Record<string, number>>(start('attacker.mjs', name, hub.url, `${seconds}`))
  let isOver = false
  const watching = (async () => {
    await waitFor(
      'the attack to be over',
      async () => {
        mostBytes = Math.max(mostBytes, await rss().catch(() => 0)) // it may be refused, too
        await passTime('the next look', LOOK_EVERY_MS)
        return isOver
      },
      (seconds + 30) * 1000,
    )
  })()
  const [service, seen] = await Promise.all([served, attacking])
  isOver = true
  await watching
  const grownBytes = mostBytes - beforeBytes
  const refused = await readRefusals(hub)
  const grownMB = Math.round(grownBytes / 1e6)
  console.log(name, JSON.stringify({ ...service, grownMB, seen, refused }))
  expect(hub.exitCode).toBe(null)
  expect(service).toMatchObject({ missed: 0, outOfOrder: 0 })
  expect(service.p99).toBeLessThan(MAX_P99_MS)
  await waitFor('all to be gone', async () => {
    const [streams, open] = [hub.metric('piazza_streams'), hub.metric('process_open_fds')]
    const counts = await Promise.all([streams, open]).catch(() => undefined)
    return counts !== undefined && counts[0] === 0 && counts[1] <= files + 2
  })
  return { service, grownBytes, seen, refused }
}
