import { type Position } from '../../position.ts'
import { type Announcement, decodeEntry } from './announcement.ts'
import { type Argument, type Reply } from './commands.ts'

/** What `read.lua` and `newest.lua` tell of one channel, all in one atomic step. */
export interface ChannelReading {
  /** Up to here a channel that Redis does not know may have had messages. */
  readonly forgotten: Position
  /** The position of its newest message; undefined: Redis does not know the channel. */
  readonly last: Position | undefined
  readonly mark: EndMark | undefined
  /** There may be more behind the entries. */
  readonly hasMore: boolean
  readonly entries: readonly Announcement[]
  /** The first that was read: it carries the proof, also where its frame was let go. */
  readonly oldest: Pick<Announcement, 'position' | 'previous'> | undefined
}

/** Why a channel takes no more messages. */
export interface EndMark {
  readonly isDeletion: boolean
  /** For so long a deleted name stays closed. */
  readonly remainingMs: number
  readonly position: Position
}

/** One atomic look at some channels: of `read.lua` those there was room for, at least the first. */
export interface Reading {
  readonly clock: Position
  /** The clock, or the time of Redis where that is later. */
  readonly latest: Position
  readonly born: Position
  readonly channels: readonly ChannelReading[]
}

export interface ReadRequest {
  readonly channels: readonly string[]
  /** Of each channel, what lies behind this. */
  readonly from: readonly Position[]
  /** A position that a client names: the clock is raised to it if it is not later than Redis' time. */
  readonly named?: Position
  /** Of frames, in all. */
  readonly maxBytes: number
  /** Of each channel; 0: only what proves. */
  readonly maxEntries: number
}

export function readArguments(request: ReadRequest): Argument[] {
  const { channels, from, named, maxBytes, maxEntries } = request
  const pairs = channels.flatMap((channel, i) => [channel, print(from[i] ?? 0)])
  return [print(named), maxBytes, maxEntries, ...pairs]
}

export function decodeReading(reply: Reply): Reading {
  const [clock, latest, born, forgotten, ...channels] = reply as readonly Reply[]
  const upTo = toPosition(forgotten!)
  return {
    clock: toPosition(clock!),
    latest: toPosition(latest!),
    born: toPosition(born!),
    channels: channels.map((channel) => decodeChannel(channel, upTo)),
  }
}

function decodeChannel(reply: Reply, forgotten: Position): ChannelReading {
  const [last, mark, hasMore, found] = reply as [Buffer, Buffer, number, readonly Reply[]]
  const entries = found.map(decodeEntry)
  return {
    last: last.length === 0 ? undefined : toPosition(last),
    mark: decodeMark(mark),
    hasMore: hasMore === 1,
    forgotten,
    entries,
    oldest: entries[0],
  }
}

/** As the scripts tell it: `e` or `t`, the position, and how long that of a DELETE stays. */
export function decodeMark(mark: Buffer): EndMark | undefined {
  if (mark.length === 0) return undefined
  const [word = '', remainingMs = '0'] = mark.toString('latin1').split(' ')
  return {
    isDeletion: word.startsWith('t'),
    position: Number(word.slice(1)),
    remainingMs: Number(remainingMs),
  }
}

export function toPosition(reply: Reply): Position {
  return Number((reply as Buffer).toString('latin1'))
}

export function print(position: Position | undefined): string {
  return position === undefined ? '' : position.toFixed(0)
}
