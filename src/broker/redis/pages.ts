import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { type Position } from '../../position.ts'
import { type Opening } from '../broker.ts'
import { type Argument, type Commands, type Reply } from './commands.ts'
import { proveReading, type Question } from './proof.ts'
import { decodeReading, readArguments, type Reading } from './reading.ts'

/** Frames in one page: a stalled stream costs no more. */
const PAGE_BYTES = 64 * 1024
const PAGE_ENTRIES = 500
/** Reads for streams at the same time; others wait for their turn. */
const MAX_READS_IN_FLIGHT = 32
/** Streams that come back together ask for the same: they share the answer for so long, and so many answers are kept. */
const SHARED_MS = 1000
const SHARED_PAGES = 128

/** Reads what streams need from Redis, page by page, each proved in one atomic step (rule 9). */
export class Pages {
  readonly #commands: Commands
  readonly #limit = pLimit(MAX_READS_IN_FLIGHT)
  readonly #shared = new LRUCache<string, Promise<Opening>>({ max: SHARED_PAGES, ttl: SHARED_MS })

  /** Being asked: no more than streams that wait for it. */
  readonly #sharedFloors = new Map<string, Promise<Position>>()

  constructor(commands: Commands) {
    this.#commands = commands
  }

  read(question: Question): Promise<Opening> {
    const { channels, from, floors, kind } = question
    const key = JSON.stringify([channels, from, floors ?? null, kind])
    const shared = this.#shared.get(key)
    if (shared !== undefined) return shared
    const page = this.#limit(() => this.#ask(question))
    this.#shared.set(key, page)
    void this.#judge(key, page, from)
    return page
  }

  /** One that leads no further is not kept: whoever comes back to it would come back at once, again and again. */
  async #judge(key: string, page: Promise<Opening>, from: Position): Promise<void> {
    const isOfUse = await page.then(
      ({ cursor }) => cursor > from,
      () => false,
    )
    if (!isOfUse) this.#shared.delete(key)
  }

  /** The same, without waiting for Redis: rejects with `BROKER_UNAVAILABLE`. */
  async readOnce(question: Question): Promise<Opening> {
    const reply = await this.#commands.run('read', argumentsOf(question))
    return proveReading(decodeReading(reply), question)
  }

  /** Of each channel, the position behind which its newest `count` messages lie. */
  floorsOfNewest(channels: readonly string[], count: number): Promise<Position[]> {
    return Promise.all(channels.map((channel) => this.#shareFloor(channel, count)))
  }

  /** Whoever asks while it is being asked shares the answer: no older one would do, the newest are wanted. */
  #shareFloor(channel: string, count: number): Promise<Position> {
    const key = `${count} ${channel}`
    const shared = this.#sharedFloors.get(key)
    if (shared !== undefined) return shared
    const floor = this.#limit(() => this.#floorOfNewest(channel, count))
    this.#sharedFloors.set(key, floor)
    const forget = () => this.#sharedFloors.delete(key)
    floor.then(forget, forget)
    return floor
  }

  async #floorOfNewest(channel: string, count: number): Promise<Position> {
    const args = [count, Number.MAX_SAFE_INTEGER, '1', '', '', channel]
    const { entries, last } = (await this.#reading('newest', args)).channels[0]!
    return entries[0]?.previous ?? last ?? 0
  }

  async #ask(question: Question): Promise<Opening> {
    return proveReading(await this.#reading('read', argumentsOf(question)), question)
  }

  /** Again and again until Redis answers: streams wait, they are not refused. */
  async #reading(script: 'read' | 'newest', args: readonly Argument[]): Promise<Reading> {
    for (;;) {
      await this.#commands.whenReady()
      let reply: Reply
      try {
        reply = await this.#commands.run(script, args)
      } catch (error) {
        if (this.#commands.isClosed) throw error
        await this.#commands.pause()
        continue
      }
      return decodeReading(reply)
    }
  }
}

function argumentsOf({ channels, from, floors, kind }: Question): Argument[] {
  return readArguments({
    channels,
    from: channels.map((_, i) => Math.max(from, floors?.[i] ?? 0)),
    ...(kind === 'after' ? { named: from } : {}),
    maxBytes: PAGE_BYTES,
    maxEntries: PAGE_ENTRIES,
  })
}
