import pLimit from 'p-limit'
import { type Position } from '../../position.ts'
import { type Announcement } from './announcement.ts'
import { type Commands } from './commands.ts'
import { EarlyMessages } from './early-messages.ts'
import { type LocalChannel } from './local-channel.ts'
import { type LocalLogs } from './local-logs.ts'
import { type ChannelReading, decodeReading, type Reading } from './reading.ts'

export interface BaselinesOptions {
  readonly commands: Commands
  readonly logs: LocalLogs
  /** Where this replica hears its own fences. */
  readonly fenceChannel: string
  /** Takes a live message, as if it came now. */
  readonly hear: (channel: LocalChannel, announcement: Announcement) => void
  /** Channels are ready, as of this clock. */
  readonly onReady: (clock: Position) => void
  /** Starts a comparison, unless one is under way: the data began anew. */
  readonly compare: () => void
}

/** Channels in one baseline, and what its reply may hold: newest messages, for those who come back soon. */
const CHANNELS = 64
const MAX_BYTES = 256 * 1024
const MAX_ENTRIES = 256
const MAX_IN_FLIGHT = 16
/** What its fences begin with. */
export const BASELINE_FENCE = 'b'

/**
 * Where the logs of channels begin that are heard from now on (rule 4). A baseline may hold what is later than
 * announcements of other channels that are still in flight: it counts when its own fence has been heard behind them.
 */
export class Baselines {
  readonly #options: BaselinesOptions
  readonly #limit = pLimit(MAX_IN_FLIGHT)
  /** Heard of channels whose baseline is being read. */
  readonly early = new EarlyMessages()
  #lastFence = 0
  #heardFence = 0
  /** By fence. */
  readonly #waiting = new Map<number, () => void>()
  #isClosed = false

  constructor(options: BaselinesOptions) {
    this.#options = options
  }

  /** Of channels that have just been subscribed to, unless they are subscribed to anew meanwhile. */
  read(channels: readonly LocalChannel[], generation: number): void {
    for (let i = 0; i < channels.length; i += CHANNELS) {
      void this.#limit(() => this.#read(channels.slice(i, i + CHANNELS), generation))
    }
  }

  /** Fences are heard in the order in which they were put. */
  hearFence(fence: string): void {
    this.#heardFence = Math.max(this.#heardFence, Number(fence.slice(BASELINE_FENCE.length)))
    for (const [number, resolve] of this.#waiting) if (number <= this.#heardFence) resolve()
  }

  /** The connection is lost: no fence will be heard, and all is read anew. */
  abort(): void {
    this.early.clear()
    for (const resolve of this.#waiting.values()) resolve()
  }

  close(): void {
    this.#isClosed = true
    this.abort()
  }

  async #read(channels: readonly LocalChannel[], generation: number): Promise<void> {
    const { commands, fenceChannel, onReady, compare } = this.#options
    const isMeant = (one: LocalChannel) =>
      one.generation === generation && one.state === 'acknowledged'
    for (;;) {
      await commands.whenReady()
      const wanted = channels.filter(isMeant)
      if (wanted.length === 0 || this.#isClosed) return
      this.#lastFence += 1
      const fence = this.#lastFence
      const names = wanted.map(({ name }) => name)
      const told = [fenceChannel, `${BASELINE_FENCE}${fence}`]
      try {
        const reply = await commands.read('newest', [MAX_ENTRIES, MAX_BYTES, ...told, ...names])
        const reading = decodeReading(reply)
        await this.#whenHeard(fence)
        const { born = reading.born } = this.#options.logs
        if (born !== reading.born) {
          // What is heard of the new data counts for the old until that is over (rule 1).
          compare()
          await commands.pause()
          continue
        }
        wanted.forEach((channel, i) => {
          if (isMeant(channel)) this.#beginLog(channel, reading, reading.channels[i]!)
        })
        onReady(reading.clock)
        return
      } catch {
        await commands.pause()
      }
    }
  }

  /** Resolves also when the connection is lost: then the channels are no longer meant. */
  async #whenHeard(fence: number): Promise<void> {
    if (this.#heardFence >= fence) return
    await new Promise<void>((resolve) => this.#waiting.set(fence, resolve))
    this.#waiting.delete(fence)
  }

  #beginLog(
    channel: LocalChannel,
    reading: Reading,
    { last, forgotten, mark, entries }: ChannelReading,
  ): void {
    const { logs, hear } = this.#options
    const newest = entries.at(-1)?.position ?? 0
    const known = last ?? Math.max(forgotten, reading.born)
    const tail = newest >= known ? unbroken(entries) : []
    logs.begin(channel, tail[0]?.previous ?? known, tail, reading.clock)
    logs.born ??= reading.born
    if (mark !== undefined) logs.applyMark(channel, mark)
    for (const announcement of this.early.take(channel)) hear(channel, announcement)
  }
}

/** The newest entries that follow one another. */
function unbroken(entries: readonly Announcement[]): readonly Announcement[] {
  let start = entries.length - 1
  while (start > 0 && entries[start]!.previous === entries[start - 1]!.position) start -= 1
  return start < 0 ? [] : entries.slice(start)
}
