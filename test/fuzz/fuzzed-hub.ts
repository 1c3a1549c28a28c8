import { expect } from 'vitest'
import { type Paths, readPaths } from '../http/openapi-document.ts'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'
import { type FuzzedConnection, Played } from './connection.ts'
import { judge } from './judge.ts'
import { KEY } from './requests.ts'

/** Small limits are met often. What was published is gone soon. */
const SETTINGS = {
  PIAZZA_PUBLISH_KEYS: KEY,
  PIAZZA_JWT_SECRET: 'a-secret-of-the-fuzzed-hub-0123456789',
  PIAZZA_ANONYMOUS: 'subscribe',
  PIAZZA_CORS_ORIGINS: 'https://app.example',
  PIAZZA_MAX_MESSAGE_BYTES: '16KiB',
  PIAZZA_MAX_BODY_BYTES: '64KiB',
  PIAZZA_LOG_MAX_AGE: '2s',
  PIAZZA_IDEMPOTENCY_TIME: '1s',
}
const AUTHORIZATION = { authorization: `Bearer ${KEY}` }
/** Names of the metrics that nothing may be left in. */
const EMPTY_IN_THE_END = [
  'piazza_streams',
  'piazza_streams_behind',
  'piazza_channels_subscribed',
  'piazza_channels',
  'piazza_log_bytes',
]
/** Code that is compiled, and names that are kept closed for a minute after a DELETE. */
const MAX_GROWTH_BYTES = 24_000_000
/** The connection of the one who asks, and those that Node keeps for itself. */
const MAX_MORE_FILES = 2

const usedBy = ({ heapUsed, external }: NodeJS.MemoryUsage) => heapUsed + external

/** A hub that is sent nonsense, and whose good client watches meanwhile. */
export class FuzzedHub {
  readonly #hub: HubProcess
  readonly #paths: Paths
  readonly #watch: RawStream
  readonly #before: { readonly bytes: number; readonly files: number }
  #published = 0
  connections = 0

  private constructor(
    hub: HubProcess,
    paths: Paths,
    watch: RawStream,
    before: { bytes: number; files: number },
  ) {
    this.#hub = hub
    this.#paths = paths
    this.#watch = watch
    this.#before = before
  }

  static async start(settings: Record<string, string> = {}): Promise<FuzzedHub> {
    const hub = await startHubProcess({ ...SETTINGS, ...settings }, { tellsMemory: true })
    const paths = await readPaths({
      get: async (path) => ({ json: JSON.parse((await request(hub.port, 'GET', path)).text) }),
    })
    await waitFor(
      'the hub to be ready',
      async () => (await request(hub.port, 'GET', '/readyz')).status === 200,
    )
    const files = await readFiles(hub)
    const watch = await openStream(hub.port, '/channels/good')
    await watch.waitForEvents(1)
    return new FuzzedHub(hub, paths, watch, { bytes: usedBy(await hub.memory()), files })
  }

  get port(): number {
    return this.#hub.port
  }

  /** All at once; then a good client is served as ever, and what they were answered is judged, and told. */
  async play(connections: readonly FuzzedConnection[]): Promise<Buffer[]> {
    this.connections += connections.length
    const played = connections.map((connection) => new Played(this.#hub.port, connection))
    await Promise.all(played.map((one) => one.send()))
    await this.#serve()
    await Promise.all(played.map((one) => one.leave()))
    const problems = played
      .filter(({ isPatient }) => isPatient)
      .flatMap(({ sent, received }) => judge(this.#paths, sent, received))
    expect(problems.join('\n\n')).toBe('')
    return played.map(({ received }) => received)
  }

  get hasEnded(): boolean {
    return this.#hub.exitCode !== null
  }

  #requireAlive(): void {
    if (this.hasEnded) throw new Error(`the hub ended: ${this.#hub.log.join('\n')}`)
  }

  /** A good publish arrives, and what can be read is read. */
  async #serve(): Promise<void> {
    this.#requireAlive()
    this.#published += 1
    const data = `message ${this.#published}`
    const answer = await request(this.#hub.port, 'POST', '/channels/good', AUTHORIZATION, data)
    expect(answer.status, answer.text).toBe(201)
    await waitFor(`${data} to arrive`, () => this.#watch.messages.at(-1)?.data === data)
    const stats = await request(this.#hub.port, 'GET', '/channels/good/stats', AUTHORIZATION)
    expect(JSON.parse(stats.text)).toMatchObject({
      lastId: this.#watch.messages.at(-1)!.id,
      streams: 1,
      ended: false,
    })
  }

  /** Nothing is left: no stream, no channel, no connection, no memory; and nothing was wrong. */
  async finish(): Promise<void> {
    await this.#serve()
    const expected = Array.from({ length: this.#published }, (_, i) => `message ${i + 1}`)
    expect(this.#watch.messages.map(({ data }) => data)).toEqual(expected)
    this.#watch.close()
    await waitFor(
      'nothing to be left',
      async () => {
        const left = await Promise.all(EMPTY_IN_THE_END.map((name) => this.#hub.metric(name)))
        return left.every((count) => count === 0)
      },
      20_000,
    )
    await waitFor(
      'connections to be closed',
      async () => (await readFiles(this.#hub)) <= this.#before.files + MAX_MORE_FILES,
    )
    expect(usedBy(await this.#hub.memory()) - this.#before.bytes).toBeLessThan(MAX_GROWTH_BYTES)
    expect(this.#hub.exitCode).toBe(null)
    expect(
      this.#hub.log.filter((line) => !line.startsWith('{') || JSON.parse(line).level >= 50),
    ).toEqual([])
  }
}

const readFiles = (hub: HubProcess) => hub.metric('process_open_fds')
