import { onTestFinished } from 'vitest'
import { type HubProcess, startHubProcess } from '../../support/hub-process.ts'
import { request } from '../../support/request.ts'
import { waitFor } from '../../support/wait.ts'
import { AwakeClock } from './awake-clock.ts'
import { type Random } from './random.ts'

/** Whatever is asked of a hub, it is answered by then. */
const HANG_MS = 60_000
/** A publish of less goes to Redis in one piece, so its answer is due in 2 s (protocol §2). */
const ONE_PIECE_BYTES = 300_000

/** What a publish was answered; `status` 0: the replica was killed meanwhile. */
export interface Answered {
  readonly status: number
  readonly json: any // oxlint-disable-line typescript/no-explicit-any
  readonly text: string
}

const GONE: Answered = { status: 0, json: {}, text: '' }

/** Hubs, each a process of its own, that share a store. One that is killed is replaced by a fresh one elsewhere. */
export class Replicas {
  readonly #settings: readonly Record<string, string>[]
  readonly #hubs: HubProcess[] = []
  readonly #clock = new AwakeClock()
  readonly #killed = new Set<HubProcess>()
  #backfilled = 0
  /** The longest that a publish took which is no flood, ms. */
  slowestMs = 0

  private constructor(settings: readonly Record<string, string>[]) {
    this.#settings = settings
    onTestFinished(() => this.#clock.stop())
  }

  /** One for each of these settings; all have reached Redis. */
  static async start(settings: readonly Record<string, string>[]): Promise<Replicas> {
    const replicas = new Replicas(settings)
    replicas.#hubs.push(...(await Promise.all(settings.map((one) => startHubProcess(one)))))
    for (const { port } of replicas.#hubs) {
      const isReady = async () => (await request(port, 'GET', '/readyz')).status === 200
      await waitFor('the replica to reach Redis', isReady, 30_000)
    }
    return replicas
  }

  /** As of now. */
  get ports(): readonly number[] {
    return this.#hubs.map(({ port }) => port)
  }

  /** Messages that all of them, also those that are gone, had missed and read back. */
  async backfilled(): Promise<number> {
    const counts = this.#hubs.map((hub) => hub.metric('piazza_backfilled_messages_total'))
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, this.#backfilled)
  }

  /** SIGKILL; and a fresh one in its place. */
  async kill(random: Random): Promise<void> {
    const place = random.between(0, this.#hubs.length - 1)
    const hub = this.#hubs[place]!
    this.#backfilled += await hub.metric('piazza_backfilled_messages_total')
    this.#killed.add(hub)
    hub.signal('SIGKILL')
    this.#hubs[place] = await startHubProcess(this.#settings[place])
  }

  /** At any of them. */
  async publish(body: unknown, random: Random): Promise<Answered> {
    const hub = this.#hubs[random.between(0, this.#hubs.length - 1)]!
    const json = JSON.stringify(body)
    const startedMs = this.#clock.nowMs
    let response: Response
    let text: string
    try {
      response = await fetch(`${hub.url}/publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: json,
        signal: AbortSignal.timeout(HANG_MS),
      })
      text = await response.text()
    } catch (error) {
      if (this.#killed.has(hub)) return GONE
      throw error
    }
    if (json.length < ONE_PIECE_BYTES) {
      this.slowestMs = Math.max(this.slowestMs, this.#clock.nowMs - startedMs)
    }
    const { status, headers } = response
    if (status === 503 && !headers.has('retry-after')) throw new Error(`no Retry-After: ${text}`)
    return { status, text, json: JSON.parse(text) }
  }
}
