import { execFile, type ExecFileException } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { recordLog, recordSecrets, recordSettings } from './run-record.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAIN = `${ROOT}dist/main.js`
const DEADLINE_MS = 15_000

/** What a process said before it exited. */
export interface Exit {
  readonly code: number
  readonly stdout: string
  /** Lines. */
  readonly stderr: readonly string[]
}

/** Compiles `src` where `dist` is missing or older. */
export async function buildOnce(): Promise<void> {
  const sources = readdirSync(`${ROOT}src`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs)
  if (existsSync(MAIN) && statSync(MAIN).mtimeMs > Math.max(...sources)) return
  await promisify(execFile)('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { cwd: ROOT })
}

/** Runs `piazza` with these settings and options until it exits by itself. */
export function runPiazza(
  options: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'], ...settings }
    recordSettings(settings)
    const onExit = (error: ExecFileException | null, stdout: string, stderr: string) => {
      const code = error === null ? 0 : error.code
      if (typeof code === 'number') {
        recordLog(stderr)
        if (options[0] === 'token') recordSecrets('token', [stdout.trim()])
        resolve({ code, stdout, stderr: stderr.split('\n').slice(0, -1) })
      } else reject(new Error(`piazza ${options.join(' ')} did not exit: ${stdout}${stderr}`))
    }
    execFile(process.execPath, [MAIN, ...options], { env, timeout: DEADLINE_MS }, onExit)
  })
}
