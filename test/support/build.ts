import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { waitFor } from './wait.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The hub as it is built. */
export const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const SRC = fileURLToPath(new URL('../../src', import.meta.url))
const BUILD_LOCK = fileURLToPath(new URL('../../node_modules/.build-for-tests', import.meta.url))

/** An older build would be tested in place of what is written. */
function isBuilt(): boolean {
  if (!existsSync(MAIN)) return false
  const builtMs = statSync(MAIN).mtimeMs
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  return files.every((file) => statSync(join(SRC, file)).mtimeMs <= builtMs)
}

/** Builds what is not built; files that run at the same time build once. */
export async function buildOnce(): Promise<void> {
  await waitFor(
    'the build of another test file',
    async () => {
      if (!existsSync(BUILD_LOCK) && isBuilt()) return true
      const isMine = await mkdir(BUILD_LOCK).then(
        () => true,
        () => false,
      )
      if (!isMine) return false
      try {
        const built = spawnSync('npm', ['run', 'build'], { cwd: ROOT, encoding: 'utf8' })
        if (built.status !== 0) throw new Error(`${built.stdout}${built.stderr}`)
      } finally {
        await rmdir(BUILD_LOCK)
      }
      return true
    },
    60_000,
  )
}
