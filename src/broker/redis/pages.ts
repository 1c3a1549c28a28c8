import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { type Position } from '../../position.ts'
import { type Opening } from '../broker.ts'
import { type Argument, type Commands, type Reply } from './commands.ts'
import { PageReading } from './page-reading.ts'
import { proveReading, type Question } from './proof.ts'
import { type ScriptName } from './script.ts'
import { decodeReading, toPosition } from './reading.ts'

/** Frames that a script looks at to find where the newest messages begin. */
const LOOKED_BYTES = 256 * 1024
/** Pages that are read at the same time; others wait for their turn. */
const MAX_PAGES_IN_FLIGHT = 32
/** Streams that come back together ask for the same: they share the answer for so long, and so much is kept. */
const SHARED_MS = 1000
const SHARED_PAGES = 128
const SHARED_BYTES = 16 * 1024 * 1024
/** What a page counts that is still being read, and beside its frames. */
const PAGE_OVERHEAD_BYTES = 1024

/** Reads what streams need from Redis, page by page, each proved (rule 9). */
export class Pages {
  readonly #commands: Commands
  readonly #limit = pLimit(MAX_PAGES_IN_FLIGHT)
  readonly #shared = new LRUCache<string, Promise<Opening>>({
    max: SHARED_PAGES,
    maxSize: SHARED_BYTES,
    ttl: SHARED_MS,
    noUpdateTTL: true,
  })

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
    this.#shared.set(key, page, { size: PAGE_OVERHEAD_BYTES })
    void this.#judge(key, page, from)
    return page
  }

  /** One that leads no further is not kept: whoever comes back to it would come back at once, again and again. */
  async #judge(key: string, page: Promise<Opening>, from: Position): Promise<void> {
    const opening = await page.catch(() => undefined)
    if (this.#shared.peek(key) !== page) return
    if (opening === undefined || opening.cursor <= from) this.#shared.delete(key)
    else this.#shared.set(key, page, { size: PAGE_OVERHEAD_BYTES + bytesOf(opening) })
  }

  /** The same, without waiting for Redis: rejects with `BROKER_UNAVAILABLE`. */
  async readOnce(question: Question): Promise<Opening> {
    const reading = new PageReading(question)
    while (reading.wants.length > 0) {
      reading.add(decodeReading(await this.#commands.run('read', reading.wants)))
    }
    return proveReading(reading.readings, question)
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
    let floor: Position = 0
    let wanted = count
    let place = '+'
    while (wanted > 0 && place !== '') {
      const reply = await this.#runUntilAnswered('floor', [channel, wanted, place, LOOKED_BYTES])
      const [found, left, next] = reply as [Buffer, number, Buffer]
      if (found.length > 0) floor = toPosition(found)
      wanted = left
      place = next.toString('latin1')
    }
    return floor
  }

  async #ask(question: Question): Promise<Opening> {
    const reading = new PageReading(question)
    while (reading.wants.length > 0) {
      reading.add(decodeReading(await this.#runUntilAnswered('read', reading.wants)))
    }
    return proveReading(reading.readings, question)
  }

  /** Again and again until Redis answers: streams wait, they are not refused. */
  async #runUntilAnswered(script: ScriptName, args: readonly Argument[]): Promise<Reply> {
    for (;;) {
      await this.#commands.whenReady()
      try {
        return await this.#commands.read(script, args)
      } catch (error) {
        if (this.#commands.isClosed) throw error
        await this.#commands.pause()
      }
    }
  }
}

function bytesOf({ messages }: Opening): number {
  return messages.reduce((sum, { frame }) => sum + frame.length, 0)
}
