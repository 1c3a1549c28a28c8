import { type Metrics } from '../../metrics.ts'
import { type Position } from '../../position.ts'
import { type BrokerLog } from '../broker-log.ts'
import { type Announcement } from './announcement.ts'
import { Backfill } from './backfill.ts'
import { type Commands, type Reply } from './commands.ts'
import { type Gate } from './gate.ts'
import { type LocalChannel } from './local-channel.ts'
import { type LocalLogs } from './local-logs.ts'
import { decodeMark, type EndMark, print, toPosition } from './reading.ts'
import { type Subscriber } from './subscriber.ts'

export interface HealingOptions {
  readonly commands: Commands
  readonly subscriber: Subscriber
  readonly logs: LocalLogs
  readonly gate: Gate
  readonly metrics: Metrics
  readonly log: BrokerLog
  /** Where this replica hears its own fences. */
  readonly fenceChannel: string
  /** Takes a live message, as if it came now. */
  readonly hear: (channel: LocalChannel, announcement: Announcement) => void
  /** Starts a periodic comparison, if now is the time for one. */
  readonly compare: () => void
}

/** `reconnect`: nothing was heard for a while; `hole`: a message is missing; `periodic`: to be sure. */
export type ComparisonReason = 'reconnect' | 'hole' | 'periodic'

/** Changed channels in one reply. */
const PAGE_CHANNELS = 1000
/** Aged channels that one comparison forgets. */
const FORGET_CHANNELS = 200
/** So long after the comparison was answered its fence must have been heard (rule 7). */
const FENCE_TIMEOUT_MS = 3000
/** Forgetting goes on so soon where one comparison did not forget all. */
const FORGET_PAUSE_MS = 50
/** A gate that is closed for longer is told. */
const LONG_GATE_MS = 10_000

/** Later than every position. */
const NOTHING = Number.MAX_SAFE_INTEGER

/** What a comparison tells. */
interface Comparison {
  readonly clock: Position
  readonly born: Position
  readonly forgotten: Position
  /** More aged channels could be forgotten. */
  readonly canForgetMore: boolean
  readonly changed: ReadonlyMap<string, Position>
  readonly deleted: ReadonlyMap<string, EndMark>
}

/** Holds the local logs against Redis, and mends what is missing (rules 5 to 8). */
export class Healing {
  readonly #options: HealingOptions
  readonly #backfill: Backfill
  /** The comparison that counts; older ones are void. */
  #current = 0
  #isRunning = false
  /** All that was ready has been compared up to here. */
  #comparedTo: Position = 0
  /** The lowest clock of a baseline since the comparison began. */
  #included: Position = NOTHING
  /** Of the newest page of a comparison. */
  #lastFence = 0
  #heardFence = 0
  #onFence: (() => void) | undefined
  #isClosed = false

  constructor(options: HealingOptions) {
    this.#options = options
    this.#backfill = new Backfill(options)
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  close(): void {
    this.#isClosed = true
    this.abort()
  }

  /** The connection is lost: what was under way says nothing any more. */
  abort(): void {
    this.#current += 1
    this.#isRunning = false
  }

  hearFence(fence: number): void {
    this.#heardFence = Math.max(this.#heardFence, fence)
    this.#onFence?.()
  }

  /** A channel became ready with a baseline of this clock: it is compared from there on. */
  include(clock: Position): void {
    this.#comparedTo = Math.min(this.#comparedTo, clock)
    this.#included = Math.min(this.#included, clock)
  }

  /** Compares until it has succeeded once, or another one has begun. A hole or a reconnect has closed the gate. */
  start(reason: ComparisonReason): void {
    this.#current += 1
    void this.#run(this.#current, reason)
  }

  async #run(id: number, reason: ComparisonReason): Promise<void> {
    const { commands, gate, log } = this.#options
    this.#isRunning = true
    const startedMs = performance.now()
    let isTold = false
    while (this.#isCurrent(id)) {
      try {
        await commands.whenReady()
        if (!this.#isCurrent(id)) return
        if (await this.#attempt(id, reason)) break
      } catch {
        // Redis went away in the middle: from the beginning, when it is back
      }
      if (gate.isClosed && !isTold && performance.now() - startedMs > LONG_GATE_MS) {
        isTold = true
        log.warn({ reason }, 'redis could not be compared with for 10 s: live messages wait')
      }
      await commands.pause()
    }
    if (this.#isCurrent(id)) this.#isRunning = false
  }

  /** False: it must be done again. */
  async #attempt(id: number, reason: ComparisonReason): Promise<boolean> {
    const { gate, logs, metrics } = this.#options
    const compared = logs.ready()
    this.#included = NOTHING
    const comparison = await this.#compare(compared.length === 0 ? NOTHING : this.#comparedTo)
    if (reason === 'periodic' && !(await this.#hasHeardFence(id))) return true // the connection is being replaced
    if (!this.#isCurrent(id)) return true
    this.#adoptBirth(comparison)
    const lacking = await this.#backfill.findLacking(comparison)
    if (!this.#isCurrent(id)) return true
    if (lacking.length > 0) {
      gate.close()
      await this.#backfill.run(lacking, comparison.clock, () => this.#isCurrent(id))
      if (!this.#isCurrent(id)) return true
    }
    for (const channel of compared) {
      channel.through = Math.max(channel.through, comparison.clock)
    }
    logs.hear(comparison.clock)
    this.#comparedTo = Math.min(comparison.clock, this.#included)
    metrics.comparedAtMs = performance.now()
    if (gate.hasOverflowed) {
      gate.drop()
      return false
    }
    this.#openGate()
    if (comparison.canForgetMore) setTimeout(this.#options.compare, FORGET_PAUSE_MS).unref()
    return true
  }

  /** Another hole closes it again: the rest waits for the next comparison (rule 6). */
  #openGate(): void {
    const { gate, hear } = this.#options
    for (const { channel, announcement } of gate.open()) hear(channel, announcement)
  }

  #isCurrent(id: number): boolean {
    return id === this.#current && !this.#isClosed
  }

  /** Rule 8. */
  #adoptBirth({ born }: Comparison): void {
    const { logs, log } = this.#options
    if (logs.born !== undefined && logs.born !== born) {
      log.warn({}, 'redis has lost its data and began anew: all streams are told by a reset gap')
      logs.reset(born)
    }
    logs.born = born
  }

  /** Pages behind the first tell also what was published since: that a channel has changed must not be missed. */
  async #compare(since: Position): Promise<Comparison> {
    const first = await this.#comparePage(since, since, FORGET_CHANNELS)
    const changed = new Map(first.changed)
    const deleted = new Map(first.deleted)
    let page = first
    while (page.changed.size >= PAGE_CHANNELS || page.deleted.size >= PAGE_CHANNELS) {
      const lastChanged = Math.max(since, ...page.changed.values())
      const lastDeleted = Math.max(
        since,
        ...[...page.deleted.values()].map(({ position }) => position),
      )
      page = await this.#comparePage(lastChanged, lastDeleted, 0)
      for (const [channel, position] of page.changed) changed.set(channel, position)
      for (const [channel, mark] of page.deleted) deleted.set(channel, mark)
    }
    return { ...first, changed, deleted, forgotten: page.forgotten } // some were forgotten between the pages
  }

  /** Each has a fence of its own, for whatever it tells to be heard before. */
  async #comparePage(
    changedSince: Position,
    deletedSince: Position,
    forgetChannels: number,
  ): Promise<Comparison> {
    const { commands, fenceChannel } = this.#options
    this.#lastFence += 1
    const reply = await commands.run('compare', [
      print(changedSince),
      print(deletedSince),
      PAGE_CHANNELS,
      fenceChannel,
      this.#lastFence,
      forgetChannels,
    ])
    const [clock, born, forgotten, canForgetMore, changed, deleted] = reply as readonly Reply[]
    return {
      clock: toPosition(clock!),
      born: toPosition(born!),
      forgotten: toPosition(forgotten!),
      canForgetMore: canForgetMore === 1,
      changed: toPositions(changed!),
      deleted: toMarks(deleted!),
    }
  }

  /** Rule 7: what was in flight has arrived. Else the connection is deaf, and is replaced. */
  async #hasHeardFence(id: number): Promise<boolean> {
    const fence = this.#lastFence
    if (this.#heardFence >= fence) return true
    let onFence: (() => void) | undefined
    const isHeard = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, FENCE_TIMEOUT_MS, false)
      onFence = () => {
        if (this.#heardFence < fence) return
        clearTimeout(timer)
        resolve(true)
      }
      this.#onFence = onFence
    })
    if (this.#onFence === onFence) this.#onFence = undefined // else a newer comparison waits for its own
    if (!isHeard && this.#isCurrent(id)) this.#options.subscriber.replace('it hears nothing')
    return isHeard
  }
}

/** Channel and position, in turn. */
function toPositions(reply: Reply): Map<string, Position> {
  const pairs = reply as readonly Buffer[]
  const positions = new Map<string, Position>()
  for (let i = 0; i < pairs.length; i += 2) {
    positions.set(pairs[i]!.toString('latin1'), toPosition(pairs[i + 1]!))
  }
  return positions
}

/** Channel and end mark, in turn. */
function toMarks(reply: Reply): Map<string, EndMark> {
  const pairs = reply as readonly Buffer[]
  const marks = new Map<string, EndMark>()
  for (let i = 0; i < pairs.length; i += 2) {
    const mark = decodeMark(pairs[i + 1]!)
    if (mark !== undefined) marks.set(pairs[i]!.toString('latin1'), mark)
  }
  return marks
}
