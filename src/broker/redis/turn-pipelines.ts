import { type Redis } from 'ioredis'
import { type Argument, type Reply } from './commands.ts'

/** Methods that ioredis has, and its types have not. */
interface ScriptClient {
  evalshaBuffer(sha: string, keys: number, ...args: readonly Argument[]): Promise<Reply>
}

interface ScriptPipeline {
  evalshaBuffer(sha: string, keys: number, ...args: readonly Argument[]): unknown
  exec(): Promise<readonly (readonly [Error | null, Reply])[]>
}

interface Call {
  readonly sha: string
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
  evalsha(sha: string, key: string, args: readonly Argument[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#calls.length === 0) setImmediate(() => this.#sendAll())
      this.#calls.push({ sha, key, args, resolve, reject })
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
      const { sha, key, args, resolve, reject } = first
      const client = this.#client as Redis & ScriptClient
      client.evalshaBuffer(sha, 1, key, ...args).then(resolve, reject)
      return
    }
    const pipeline = this.#client.pipeline() as unknown as ScriptPipeline
    for (const { sha, key, args } of calls) pipeline.evalshaBuffer(sha, 1, key, ...args)
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
