import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { type Readable, type Writable } from 'node:stream'

/** A program that ends with this process, however that ends. */
export interface Kept {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  /** It has ended, and all it printed was read. */
  readonly isOver: boolean
  /** The end of what it printed to stderr. */
  said(): string
  /** Ends it and all that it started. Idempotent. */
  stop(): Promise<void>
}

/** Waits for the program, and sends the signal ($0) to the whole group when our end of the pipe is closed. */
const KEEPER = `
exec 4<&0
{ read -r _ <&4; kill -s "$0" -- -$$; } >/dev/null 2>&1 3>&- &
"$@" 4<&- </dev/null &
wait $!`
const MAX_SAID_CHARACTERS = 4000

/**
 * Starts a program in a process group of its own, with this environment only: no proxy of the machine's. A test run
 * that is broken off kills neither browsers nor endless loops by itself; the pipe that closes with it does.
 */
export function keep(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  signal: 'KILL' | 'TERM' = 'KILL',
): Kept {
  const child = spawn('bash', ['-c', KEEPER, signal, ...command], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })
  let said = ''
  let isOver = false
  child.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-MAX_SAID_CHARACTERS)
  })
  child.stdin.on('error', () => {}) // it has ended
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      isOver = true
      resolve()
    })
  })
  return {
    child,
    get isOver() {
      return isOver
    },
    said: () => said,
    stop: async () => {
      child.stdin.end()
      await ended
    },
  }
}
