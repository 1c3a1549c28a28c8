import { setTimeout as sleep } from 'node:timers/promises'
import { type CodedError, errors } from '../../errors.ts'
import { type Metrics } from '../../metrics.ts'
import { type Position } from '../../position.ts'
import { type BrokerLog } from '../broker-log.ts'
import { Connection, withoutArguments } from './connection.ts'
import { ReadWindow } from './read-window.ts'
import { print } from './reading.ts'
import { type RedisTarget } from './redis-target.ts'
import { SCRIPTS, type ScriptName } from './script.ts'
import { describeServer, readServer } from './server.ts'
import { TurnPipelines } from './turn-pipelines.ts'

export interface CommandsOptions {
  readonly target: RedisTarget
  /** Of all keys and channels, with the hash tag. */
  readonly prefix: string
  readonly maxAgeMs: number
  readonly metrics: Metrics
  readonly log: BrokerLog
  /** The highest position this replica has heard of, and the birth of the data it belongs to (rules 1 and 2). */
  readonly known: () => { readonly heard: Position; readonly born: Position | undefined }
}

export interface RunOptions {
  /** Whatever follows in the same turn finds the script there, and keeps its place. */
  readonly bringsScript?: boolean
  readonly deadlineMs?: number
}

export type Argument = string | number | Buffer
/** As Redis answers a script: bulk strings as bytes. */
export type Reply = Buffer | number | null | readonly Reply[]

/** So long may a script, or all those of one request, take, their places in the pipeline included. */
export const DEADLINE_MS = 1800
/** The same of a read that nobody waits for with a request: a connection that says nothing is replaced sooner. */
const READ_DEADLINE_MS = 15_000
/** Scripts under way; more are refused at once. */
const MAX_UNDER_WAY = 20_000
/** Between two attempts. */
const MIN_PAUSE_MS = 50
const MAX_PAUSE_MS = 500
/** What is said of Redis' own refusals, by their first word. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['LOADING', 'Redis is loading its data'],
  ['READONLY', 'Redis is a replica now'],
  ['OOM', 'Redis is out of memory'],
  ['BUSY', 'Redis is busy with a script'],
  ['MISCONF', 'Redis can not write its data to disk'],
  ['NOPERM', 'the Redis user lacks a permission'],
  ['MASTERDOWN', 'Redis has lost its master'],
  ['NOREPLICAS', 'Redis has too few replicas'],
  ['CLUSTERDOWN', 'the Redis Cluster is down'],
  ['MOVED', 'this Redis Cluster node does not own the keys'],
])

/** The connection that scripts run on. */
export class Commands {
  readonly #options: CommandsOptions
  readonly #connection: Connection
  readonly #pipelines: TurnPipelines
  /** Of the Redis process it speaks to (rule 2); undefined: not read yet. */
  #runId: string | undefined
  readonly #window = new ReadWindow()
  #underWay = 0
  #isClosed = false
  #hasFailed = false
  #waiting: (() => void)[] = []

  constructor(options: CommandsOptions) {
    this.#options = options
    const { target, metrics, log } = options
    this.#connection = new Connection({
      name: 'commands',
      target,
      metrics,
      log,
      onUp: () => void this.#readServer(),
      onDown: () => {
        this.#runId = undefined
      },
    })
    this.#pipelines = new TurnPipelines(this.#connection.client)
  }

  get isReady(): boolean {
    return this.#runId !== undefined
  }

  open(): void {
    this.#connection.open()
  }

  close(): void {
    this.#isClosed = true
    this.#connection.close()
    this.#wake()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Before something that Redis has refused is tried again. */
  async pause(): Promise<void> {
    await sleep(MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS), undefined, {
      ref: false,
    })
  }

  /** Resolves when scripts can be run, or it was closed. */
  whenReady(): Promise<void> {
    if (this.isReady || this.#isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** Rejects with `BROKER_UNAVAILABLE` if Redis does not answer in time, or refuses. */
  async run(
    name: ScriptName,
    args: readonly Argument[],
    { bringsScript = false, deadlineMs = DEADLINE_MS }: RunOptions = {},
  ): Promise<Reply> {
    const runId = this.#runId
    if (runId === undefined) throw unavailable('Redis is not reached')
    if (this.#underWay >= MAX_UNDER_WAY) throw unavailable('too much waits for Redis')
    const { prefix, maxAgeMs, known, metrics } = this.#options
    const { heard, born = 0 } = known()
    const all = [prefix, `${print(heard)} ${print(born)}`, runId, maxAgeMs, ...args]
    const startedMs = performance.now()
    this.#underWay += 1
    try {
      return await withDeadline(this.#evaluate(name, all, bringsScript), deadlineMs)
    } catch (error) {
      throw this.#toUnavailable(error as Error)
    } finally {
      this.#underWay -= 1
      metrics.observeBrokerCommand((performance.now() - startedMs) / 1000)
    }
  }

  /** The same for what may be large, and may wait: no more at a time than the line bears. */
  read(name: ScriptName, args: readonly Argument[]): Promise<Reply> {
    return this.#window.run(() => this.run(name, args, { deadlineMs: READ_DEADLINE_MS }))
  }

  /** The newest members of a sorted set up to a score, each followed by its score. */
  async newestMembers(name: string, upTo: string, limit: number): Promise<readonly Buffer[]> {
    if (!this.isReady) throw unavailable('Redis is not reached')
    const { client } = this.#connection
    const key = this.#options.prefix + name
    try {
      return await withDeadline(
        client.zrevrangebyscoreBuffer(key, upTo, '-inf', 'WITHSCORES', 'LIMIT', 0, limit),
        DEADLINE_MS,
      )
    } catch (error) {
      throw this.#toUnavailable(error as Error)
    }
  }

  async #evaluate(
    name: ScriptName,
    args: readonly Argument[],
    bringsScript: boolean,
  ): Promise<Reply> {
    const { sha, source } = SCRIPTS[name]
    const key = `${this.#options.prefix}clock` // one is enough: all have the same hash tag
    if (bringsScript) return await this.#pipelines.run('evalBuffer', source, key, args)
    try {
      return await this.#pipelines.run('evalshaBuffer', sha, key, args)
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error
      return await this.#pipelines.run('evalBuffer', source, key, args)
    }
  }

  async #readServer(): Promise<void> {
    const { log } = this.#options
    try {
      const server = readServer(await this.#connection.client.info())
      for (const warning of describeServer(server)) log.warn({ version: server.version }, warning)
      this.#runId = server.runId
    } catch {
      if (this.#connection.isUp) this.#connection.replace('INFO was not answered')
      return
    }
    this.#wake()
  }

  /** Never the error itself: it carries the command with its data. */
  #toUnavailable({ message }: Error) {
    const [word = ''] = message.split(' ', 1)
    const reason = REASONS.get(word)
    if ((reason === undefined && word === 'ERR') || word === 'NOPERM') this.#tellFailure(message)
    if (word === 'READONLY') this.#connection.replace('it is a replica now') // a new one goes to the master
    return reason === undefined ? unanswered('Redis does not answer') : unavailable(reason)
  }

  /** A script that can not run is a fault of the hub, or a server it does not know: said once. */
  #tellFailure(message: string): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#options.log.warn(
      { reason: withoutArguments(message) },
      'redis could not run a script of the hub',
    )
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

function withDeadline<T>(reply: Promise<T>, deadlineMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`Redis did not answer in ${deadlineMs} ms`))
    }, deadlineMs)
    reply.then(resolve, reject).finally(() => {
      clearTimeout(timer)
    })
  })
}

/** Surely not executed. */
export function unavailable(reason: string) {
  return new errors.BROKER_UNAVAILABLE(`${reason}: nothing was stored; try again after Retry-After`)
}

function unanswered(reason: string) {
  return new errors.BROKER_UNAVAILABLE(
    `${reason}: whether a message was stored is not known; repeat it with its idempotency key after Retry-After`,
  )
}

export function isUnavailable(error: CodedError): boolean {
  return error instanceof errors.BROKER_UNAVAILABLE
}
