import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Client, type Heard } from './client.ts'
import { keep } from './keep.ts'

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const PYTHON = pathOf('../../../.cache/clients-venv/bin/python')

/** A program that gets the URL as its last argument, and prints each event as a line of JSON. */
function command(...program: readonly string[]): Client {
  return {
    origin: undefined,
    follow: async (url) => {
      const heard: Heard[] = []
      const kept = keep([...program, url])
      createInterface({ input: kept.child.stdout }).on('line', (line) => {
        heard.push(JSON.parse(line) as Heard)
      })
      return {
        heard,
        get isOver() {
          if (kept.isOver && kept.child.exitCode !== 0) throw new Error(kept.said())
          return kept.isOver
        },
        close: () => kept.stop(),
      }
    },
  }
}

export const curl = command('bash', pathOf('curl.sh'))
export const httpxSse = command(PYTHON, pathOf('follow_httpx_sse.py'))
export const sseclientPy = command(PYTHON, pathOf('follow_sseclient_py.py'))
/** Not told when to give up. */
export const httpxSseUntold = command(PYTHON, pathOf('follow_httpx_sse.py'), '--untold')
export const sseclientPyUntold = command(PYTHON, pathOf('follow_sseclient_py.py'), '--untold')
