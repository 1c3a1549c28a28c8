import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Its variables are gone after the command; without: those of the test. */
export interface DockerOptions {
  readonly env?: Readonly<Record<string, string>>
  /** It is ended then. */
  readonly deadlineMs?: number
}

/** What `docker` prints, run at the root of the repository. */
export async function docker(
  args: readonly string[],
  options: DockerOptions = {},
): Promise<string> {
  const { env = {}, deadlineMs = 300_000 } = options
  const { stdout } = await run('docker', args, {
    cwd: ROOT,
    env: { ...process.env, ...env }, // oxlint-disable-line node/no-process-env
    timeout: deadlineMs,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout.trim()
}

/** What a container has written to stdout and stderr. */
export async function readContainerLog(container: string): Promise<string> {
  const { stdout, stderr } = await run('docker', ['logs', container])
  return stdout + stderr
}

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'))
}

interface LockedPackage {
  readonly dev?: boolean
  /** Those that it is for, where it is not for all. */
  readonly cpu?: readonly string[]
  readonly os?: readonly string[]
  readonly hasInstallScript?: boolean
}

/** package.json, and what package-lock.json says of each package. */
export function readManifests() {
  return {
    manifest: readJson('package.json') as Record<
      'name' | 'version' | 'description' | 'license',
      string
    >,
    lock: readJson('package-lock.json') as { packages: Record<string, LockedPackage> },
  }
}
