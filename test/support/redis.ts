import { Redis } from 'ioredis'
import { startRedisContainer } from './redis-container.ts'
import { startRedisProcess } from './redis-process.ts'

/** A Redis server of the test's own. */
export interface TestRedis {
  readonly port: number
  /** Where other containers reach it; undefined: it runs in none. */
  readonly addressInDocker: string | undefined
  /** A client for what the test itself asks and breaks. */
  readonly client: Redis
  /** Ends the server without a word, and starts it again on the same port and data. */
  restart(options?: { readonly isEmpty?: boolean }): Promise<void>
  /** The server hangs, or goes on. */
  hang(): Promise<void>
  goOn(): Promise<void>
  stop(): Promise<void>
}

/** A server, however it is run. */
export interface RedisServer {
  readonly port: number
  readonly addressInDocker?: string
  /** SIGKILL. */
  kill(): Promise<void>
  /** On the same port and data. */
  start(): Promise<void>
  removeData(): Promise<void>
  hang(): Promise<void>
  goOn(): Promise<void>
  /** Ends it, and removes what it kept. */
  remove(): Promise<void>
}

export interface RedisOptions {
  /** As on the command line of `redis-server`. */
  readonly settings?: readonly string[]
  /** Of the container, where there are containers. */
  readonly image?: string
  /** No container, whatever could be run. */
  readonly isProcess?: boolean
}

export const DEFAULT_IMAGE = 'redis:7-alpine'

/** In a container if script/test found a Docker engine, else as a process. */
export async function startRedis(options: RedisOptions = {}): Promise<TestRedis> {
  const { settings = [], image = DEFAULT_IMAGE, isProcess = false } = options
  const isContained = process.env['TEST_DOCKER'] === '1' && !isProcess
  const server = await (isContained
    ? startRedisContainer(image, settings)
    : startRedisProcess(settings))
  const { port } = server
  const client = new Redis({ port, host: '127.0.0.1' })
  client.on('error', () => {}) // the test may have stopped the server
  return {
    port,
    addressInDocker: server.addressInDocker,
    client,
    restart: async ({ isEmpty = false } = {}) => {
      if (isEmpty) await server.removeData()
      await server.kill()
      await server.start()
    },
    hang: () => server.hang(),
    goOn: () => server.goOn(),
    stop: async () => {
      client.disconnect()
      await server.remove()
    },
  }
}

/** Makes a store look as if this Redis had always held it: else its positions begin 10 s ahead of the time (rule 2). */
export async function settle({ client }: TestRedis, prefix: string): Promise<void> {
  const runId = /run_id:(\w+)/.exec(await client.info('server'))![1]!
  await client.set(`${prefix}run`, runId)
}

/** So often Redis has run a command; scripts are run by `evalsha`. */
export async function countCalls({ client }: TestRedis, command = 'evalsha'): Promise<number> {
  const stats = await client.info('commandstats')
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}
