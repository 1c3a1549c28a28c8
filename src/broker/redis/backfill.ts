import pLimit from 'p-limit'
import { type Metrics } from '../../metrics.ts'
import { type Position } from '../../position.ts'
import { type Announcement, sizeOf, tombstone } from './announcement.ts'
import { type Commands } from './commands.ts'
import { type Gate } from './gate.ts'
import { firstKnown, keepFirst, Lacking } from './lacking.ts'
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
/** Frames wanted in one reply, and held until they are merged. */
const MAX_REPLY_BYTES = 256 * 1024
const MAX_HELD_BYTES = 8 * 1024 * 1024
const MAX_ENTRIES = 1000

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
      if (isNews) lacking.push(new Lacking(channel, last ?? 0, tombstone(mark)))
      else if (last === undefined) {
        if (channel.through < forgotten) doubtful.push(channel)
      } else if (last > channel.log.end) lacking.push(new Lacking(channel, last))
    }
    for (const part of inParts(doubtful))
      lacking.push(...(await this.#findForgotten(part, forgotten)))
    return lacking
  }

  /** Delivers everything up to `clock` that is still there; what is not is told as missed. */
  async run(lacking: readonly Lacking[], clock: Position, isCurrent: () => boolean): Promise<void> {
    const { logs, metrics } = this.#options
    const startedMs = performance.now()
    while (lacking.some(({ hasMore }) => hasMore)) {
      await this.#readOn(lacking, clock)
      if (!isCurrent()) return
      this.#tellHoles(lacking, clock)
      this.#deliver(lacking, clock)
    }
    for (const { channel, last, next, wasDeleted } of lacking) {
      const isShort = next === undefined && !wasDeleted && isBehind(channel, Math.min(last, clock))
      if (isShort) logs.miss(channel, Math.min(last, clock))
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
      else if (last > channel.log.end) lacking.push(new Lacking(channel, last))
    })
    return lacking
  }

  /** First the channels of which nothing is known, then those whose turn comes first. */
  async #readOn(lacking: readonly Lacking[], clock: Position): Promise<void> {
    const unknown = lacking.filter(({ isUnknown }) => isUnknown)
    const parts = inParts(unknown.length > 0 ? unknown : firstKnown(lacking, MAX_HELD_BYTES))
    const maxBytes = Math.min(MAX_REPLY_BYTES, Math.ceil(MAX_HELD_BYTES / parts.length))
    const limit = pLimit(MAX_READS_IN_FLIGHT)
    let bytes = 0
    await Promise.all(
      parts.map((part) =>
        limit(async () => {
          const readings = await this.#read({
            channels: part.map(({ channel }) => channel.name),
            from: part.map(({ channel }) => channel.log.end),
            maxBytes,
            maxEntries: MAX_ENTRIES,
          })
          for (const [i, reading] of readings.entries()) {
            part[i]!.add(reading, clock)
            for (const entry of reading.entries) bytes += sizeOf(entry)
          }
          if (bytes <= MAX_HELD_BYTES) return
          bytes = 0
          keepFirst(lacking, MAX_HELD_BYTES)
        }),
      ),
    )
    keepFirst(lacking, MAX_HELD_BYTES)
  }

  /**
   * Rule 11: before anything that was read is delivered, of any channel. Else a stream of several would be told an id
   * behind the hole of another, and one that comes back with it would seem to lack nothing.
   */
  #tellHoles(lacking: readonly Lacking[], clock: Position): void {
    const { gate, logs } = this.#options
    const firstHeld = new Map<LocalChannel, Announcement>()
    for (const { channel, announcement } of gate.held) {
      const isNext = announcement.kind !== 'x' && announcement.position > channel.log.end
      if (isNext && !firstHeld.has(channel)) firstHeld.set(channel, announcement)
    }
    for (const { channel, last, first: read, hasMore, isUnknown, wasDeleted } of lacking) {
      if (isUnknown || wasDeleted) continue // it is read later; its owner dropped it, and its end says so
      const held = firstHeld.get(channel)
      const first = held && (!read || held.position < read.position) ? held : read
      // What lies behind the clock is heard, or found by the next comparison.
      if (first === undefined) {
        const lost = Math.min(last, clock)
        if (!hasMore && isBehind(channel, lost)) logs.miss(channel, lost)
      } else if (first.kind !== 't' && first.previous > channel.through) {
        logs.miss(channel, Math.min(first.previous, clock))
      }
    }
  }

  /** Whatever all channels have been read up to, with what was held back meanwhile (rule 6). */
  #deliver(lacking: readonly Lacking[], clock: Position): void {
    const { gate, logs, metrics } = this.#options
    const reached = lacking.reduce((least, one) => Math.min(least, one.reached ?? clock), clock)
    const channels = new Set(lacking.map(({ channel }) => channel))
    const due: { channel: LocalChannel; announcement: Announcement }[] = []
    for (const one of lacking) {
      for (const announcement of one.take(reached)) due.push({ channel: one.channel, announcement })
    }
    for (const held of gate.held) {
      const { channel, announcement } = held
      const isDue = announcement.position <= reached && announcement.kind !== 'x'
      if (isDue && channels.has(channel)) due.push(held)
    }
    due.sort((a, b) => a.announcement.position - b.announcement.position)
    for (const { channel, announcement } of due) {
      if (announcement.position <= channel.log.end) continue // held and read
      const isHole = announcement.kind !== 't' && announcement.previous > channel.through
      if (isHole) logs.miss(channel, announcement.previous)
      logs.append(channel, announcement)
      metrics.messagesBackfilled += 1
    }
  }

  async #read(request: ReadRequest): Promise<readonly ChannelReading[]> {
    const reply = await this.#options.commands.read('read', readArguments(request))
    return decodeReading(reply).channels
  }
}

function isBehind({ log }: LocalChannel, position: Position): boolean {
  return log.end < position && !log.isDeleted
}

function inParts<T>(items: readonly T[]): T[][] {
  const parts: T[][] = []
  for (let i = 0; i < items.length; i += CHANNELS_PER_READ) {
    parts.push(items.slice(i, i + CHANNELS_PER_READ))
  }
  return parts
}
