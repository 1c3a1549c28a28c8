import { freePort } from '../support/free-port.ts'
import { docker } from '../support/docker.ts'
import { recordLog, recordSecrets } from '../support/run-record.mjs'

const NAME = /^piazza-test-(\d+)$/
const PROJECT = `piazza-test-${process.pid}`
const IMAGE = `${PROJECT}:latest`

/** compose.yaml, run under a name of its own on free ports. */
export interface ComposeProject {
  readonly subscribeUrl: string
  readonly publishUrl: string
  readonly prometheusUrl: string
  /** `docker compose …` */
  readonly compose: (...args: readonly string[]) => Promise<string>
  /** By `docker kill`. */
  readonly kill: (service: string) => Promise<void>
}

/** What .env would say; nothing of the machine's own .env is read. */
export async function createProject(settings: Record<string, string>): Promise<ComposeProject> {
  const [subscribe, publish, prometheus] = [await freePort(), await freePort(), await freePort()]
  const env = {
    HUB_IMAGE: IMAGE,
    // of the networks that Docker does not choose from by itself
    NETWORK: `10.${200 + (process.pid % 50)}.${Math.floor(process.pid / 50) % 256}`,
    SUBSCRIBE_PORT: `${subscribe}`,
    PUBLISH_PORT: `${publish}`,
    PROMETHEUS_PORT: `${prometheus}`,
    ...settings,
  }
  recordSecrets('key', [settings['PIAZZA_PUBLISH_KEYS'] ?? ''])
  recordSecrets('password', [settings['REDIS_PASSWORD'] ?? ''])
  const compose = (...args: readonly string[]) =>
    docker(['compose', '--env-file', '/dev/null', '--project-name', PROJECT, ...args], { env })
  return {
    subscribeUrl: `http://127.0.0.1:${subscribe}`,
    publishUrl: `http://127.0.0.1:${publish}`,
    prometheusUrl: `http://127.0.0.1:${prometheus}`,
    compose,
    kill: async (service) => {
      await docker(['kill', await compose('ps', '--quiet', service)])
    },
  }
}

/** Ends all of it, and forgets its data, network and image. */
export async function removeProject({ compose }: ComposeProject): Promise<void> {
  try {
    recordLog(await compose('logs', '--no-color', 'hub-1', 'hub-2'))
  } finally {
    await compose('down', '--volumes', '--timeout', '0')
    await docker(['image', 'rm', '--force', IMAGE])
  }
}

/** Those of test runs that were killed before they could. */
export async function removeLeftovers(): Promise<void> {
  const listed = await docker(['compose', 'ls', '--all', '--format', 'json'])
  for (const { Name: name } of JSON.parse(listed) as { Name: string }[]) {
    const [, pid] = NAME.exec(name) ?? []
    if (pid === undefined || isAlive(Number(pid))) continue
    const env = { PIAZZA_PUBLISH_KEYS: 'none', REDIS_PASSWORD: 'none' }
    await docker(['compose', '--project-name', name, 'down', '--volumes', '--timeout', '0'], {
      env,
    })
    await docker(['image', 'rm', '--force', `${name}:latest`])
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
