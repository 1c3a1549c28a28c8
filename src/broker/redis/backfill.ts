import pLimit from 'p-limit'
import { type Metrics } from '../../metrics.ts'
import { type Position } from '../../position.ts'
import { type Announcement, tombstone } from './announcement.ts'
import { type Commands } from './commands.ts'
import { type Gate } from './gate.ts'
import { type LocalChannel } from './local-channel.ts'
import { type LocalLogs } from './local-logs.ts'
import {
  type ChannelReading,
  decodeReading,
  type EndMark,
  readArguments,
  type ReadRequest,
} from './reading.ts'

export interface BackfillOptions {
  readonly commands: Commands
  readonly logs: LocalLogs
  readonly gate: Gate
  readonly metrics: Metrics
}

/** Channels that one script reads. */
const CHANNELS_PER_READ = 64
/** Scripts that read at the same time. */
const MAX_READS_IN_FLIGHT = 32
/** Frames in one reply, and in all replies that wait to be merged. */
const MAX_REPLY_BYTES = 256 * 1024
const MAX_ROUND_BYTES = 8 * 1024 * 1024
const MAX_ENTRIES = 1000

/** A channel that lacks messages up to `last`. */
export interface Lacking {
  readonly channel: LocalChannel
  readonly last: Position
  /** Read, not yet delivered; at the beginning, a DELETE that was missed. */
  pending: Announcement[]
  hasMore: boolean
}

/** What a comparison told, as far as it is needed here. */
interface Told {
  readonly forgotten: Position
  readonly changed: ReadonlyMap<string, Position>
  readonly deleted: ReadonlyMap<string, EndMark>
}

/** Reads back what was missed, of each channel that lags, and delivers it merged in the order of positions (rule 5). */
export class Backfill {
  readonly #options: BackfillOptions

  constructor(options: BackfillOptions) {
    this.#options = options
  }

  /** Channels whose log does not reach to what Redis has. */
  async findLacking({ forgotten, changed, deleted }: Told): Promise<Lacking[]> {
    const { logs } = this.#options
    const lacking: Lacking[] = []
    const doubtful: LocalChannel[] = []
    for (const channel of logs.ready()) {
      const last = changed.get(channel.name)
      const mark = deleted.get(channel.name)
      const isNews = mark !== undefined && mark.position > channel.through && !channel.log.isDeleted
      if (isNews) lacking.push({ ...toLacking(channel, last ?? 0), pending: [tombstone(mark)] })
      else if (last === undefined) {
        if (channel.through < forgotten) doubtful.push(channel)
      } else if (last > channel.log.end) lacking.push(toLacking(channel, last))
    }
    for (const part of inParts(doubtful))
      lacking.push(...(await this.#findForgotten(part, forgotten)))
    return lacking
  }

  /** Delivers everything up to `clock` that is still there; what is not is told as missed. */
  async run(lacking: readonly Lacking[], clock: Position, isCurrent: () => boolean): Promise<void> {
    const { metrics } = this.#options
    const startedMs = performance.now()
    let hasMore = true
    while (hasMore) {
      await this.#readOn(lacking, clock)
      if (!isCurrent()) return
      this.#tellHoles(lacking)
      hasMore = this.#deliver(lacking, clock)
    }
    for (const { channel, last } of lacking) {
      if (channel.log.end < last && !channel.log.isDeleted) this.#options.logs.miss(channel, last)
    }
    metrics.backfillSeconds += (performance.now() - startedMs) / 1000
  }

  /** Rule 8: a channel that Redis does not know has lost something only if more was forgotten than is known here. */
  async #findForgotten(channels: readonly LocalChannel[], forgotten: Position): Promise<Lacking[]> {
    const readings = await this.#read({
      channels: channels.map(({ name }) => name),
      from: [],
      maxBytes: 0,
      maxEntries: 0,
    })
    const lacking: Lacking[] = []
    channels.forEach((channel, i) => {
      const last = readings[i]?.last
      if (last === undefined) this.#options.logs.miss(channel, forgotten)
      else if (last > channel.log.end) lacking.push(toLacking(channel, last))
    })
    return lacking
  }

  async #readOn(lacking: readonly Lacking[], clock: Position): Promise<void> {
    const wanting = lacking.filter(({ hasMore, pending }) => {
      const isUnread = pending.length === 0 || (pending.length === 1 && pending[0]?.kind === 't')
      return hasMore && isUnread
    })
    const parts = inParts(wanting)
    const maxBytes = Math.min(MAX_REPLY_BYTES, Math.ceil(MAX_ROUND_BYTES / parts.length))
    const limit = pLimit(MAX_READS_IN_FLIGHT)
    await Promise.all(
      parts.map((part) =>
        limit(async () => {
          const readings = await this.#read({
            channels: part.map(({ channel }) => channel.name),
            from: part.map(({ channel }) => channel.log.end),
            upTo: clock,
            maxBytes,
            maxEntries: MAX_ENTRIES,
          })
          part.forEach((one, i) => {
            one.pending = [...one.pending, ...(readings[i]?.entries ?? [])]
            one.hasMore = readings[i]?.hasMore ?? false
          })
        }),
      ),
    )
  }

  /**
   * Rule 11: before anything that was read is delivered, of any channel. Else a stream of several would be told an id
   * behind the hole of another, and one that comes back with it would seem to lack nothing.
   */
  #tellHoles(lacking: readonly Lacking[]): void {
    const { gate, logs } = this.#options
    const firstHeld = new Map<LocalChannel, Announcement>()
    for (const { channel, announcement } of gate.held) {
      const isNext = announcement.kind !== 'x' && announcement.position > channel.log.end
      if (isNext && !firstHeld.has(channel)) firstHeld.set(channel, announcement)
    }
    for (const { channel, last, pending, hasMore } of lacking) {
      const held = firstHeld.get(channel)
      const read = pending[0]
      const first = held && (!read || held.position < read.position) ? held : read
      if (first === undefined) {
        const isShort = !hasMore && channel.log.end < last && !channel.log.isDeleted
        if (isShort) logs.miss(channel, last)
      } else if (first.kind !== 't' && first.previous > channel.through) {
        logs.miss(channel, first.previous)
      }
    }
  }

  /** Whatever all channels have been read up to, with what was held back meanwhile. True: there is more. */
  #deliver(lacking: readonly Lacking[], clock: Position): boolean {
    const { gate, logs, metrics } = this.#options
    let reached = clock
    let hasMore = false
    for (const one of lacking) {
      if (!one.hasMore) continue
      hasMore = true
      reached = Math.min(reached, one.pending.at(-1)?.position ?? one.channel.log.end)
    }
    const byChannel = new Map(lacking.map((one) => [one.channel, one]))
    const due: { channel: LocalChannel; announcement: Announcement }[] = []
    for (const one of lacking) {
      const count = one.pending.findIndex(({ position }) => position > reached)
      const taken = one.pending.splice(0, count === -1 ? one.pending.length : count)
      for (const announcement of taken) due.push({ channel: one.channel, announcement })
    }
    for (const held of gate.held) {
      const { channel, announcement } = held
      const isDue = announcement.position <= reached && announcement.kind !== 'x'
      if (isDue && byChannel.has(channel)) due.push(held)
    }
    due.sort((a, b) => a.announcement.position - b.announcement.position)
    for (const { channel, announcement } of due) {
      if (announcement.position <= channel.log.end) continue // held and read
      const isHole = announcement.kind !== 't' && announcement.previous > channel.through
      if (isHole) logs.miss(channel, announcement.previous)
      logs.append(channel, announcement)
      metrics.messagesBackfilled += 1
    }
    return hasMore
  }

  async #read(request: ReadRequest): Promise<readonly ChannelReading[]> {
    const reply = await this.#options.commands.run('read', readArguments(request))
    return decodeReading(reply).channels
  }
}

function toLacking(channel: LocalChannel, last: Position): Lacking {
  return { channel, last, pending: [], hasMore: true }
}

function inParts<T>(items: readonly T[]): T[][] {
  const parts: T[][] = []
  for (let i = 0; i < items.length; i += CHANNELS_PER_READ) {
    parts.push(items.slice(i, i + CHANNELS_PER_READ))
  }
  return parts
}
