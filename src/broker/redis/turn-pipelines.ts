import { type Redis } from 'ioredis'
import { type Argument, type Reply } from './commands.ts'

/** Methods that ioredis has, and its types have not. */
type Evaluate<T> = (script: string, keys: number, ...args: readonly Argument[]) => T

interface ScriptClient {
  evalshaBuffer: Evaluate<Promise<Reply>>
  evalBuffer: Evaluate<Promise<Reply>>
}

interface ScriptPipeline {
  evalshaBuffer: Evaluate<unknown>
  evalBuffer: Evaluate<unknown>
  exec(): Promise<readonly (readonly [Error | null, Reply])[]>
}

interface Call {
  /** `evalshaBuffer`: the script is its hash; `evalBuffer`: its source. */
  readonly command: keyof ScriptClient
  readonly script: string
  readonly key: string
  readonly args: readonly Argument[]
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/** Scripts in one write. */
const MAX_CALLS = 100

/**
 * Sends the scripts that are run in one turn of the event loop together. Any number of such writes may be under way:
 * ioredis' own auto-pipelining waits for the replies to one before it sends the next, so that a publish would take up
 * to two round trips.
 */
export class TurnPipelines {
  readonly #client: Redis
  #calls: Call[] = []

  constructor(client: Redis) {
    this.#client = client
  }

  /** Rejects with Redis' own error. */
  run(
    command: Call['command'],
    script: string,
    key: string,
    args: readonly Argument[],
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#calls.length === 0) setImmediate(() => this.#sendAll())
      this.#calls.push({ command, script, key, args, resolve, reject })
    })
  }

  #sendAll(): void {
    const calls = this.#calls
    this.#calls = []
    for (let i = 0; i < calls.length; i += MAX_CALLS) void this.#send(calls.slice(i, i + MAX_CALLS))
  }

  async #send(calls: readonly Call[]): Promise<void> {
    const [first] = calls
    if (calls.length === 1 && first !== undefined) {
      const { command, script, key, args, resolve, reject } = first
      const client = this.#client as Redis & ScriptClient
      client[command](script, 1, key, ...args).then(resolve, reject)
      return
    }
    const pipeline = this.#client.pipeline() as unknown as ScriptPipeline
    for (const { command, script, key, args } of calls) {
      pipeline[command](script, 1, key, ...args)
    }
    try {
      const results = await pipeline.exec()
      calls.forEach(({ resolve, reject }, i) => {
        const [error, reply] = results[i]!
        if (error === null) resolve(reply)
        else reject(error)
      })
    } catch (error) {
      for (const { reject } of calls) reject(error as Error)
    }
  }
}
