import { execFile, type ExecFileException } from 'node:child_process'
import { MAIN } from './build.ts'
import { recordLog, recordSecrets, recordSettings } from './run-record.mjs'

const DEADLINE_MS = 15_000

/** What a process said before it exited. */
export interface Exit {
  readonly code: number
  readonly stdout: string
  /** Lines. */
  readonly stderr: readonly string[]
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
