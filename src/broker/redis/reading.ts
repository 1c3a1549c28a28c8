import { type Position } from '../../position.ts'
import { type Announcement, decodeEntry } from './announcement.ts'
import { type Argument, type Reply } from './commands.ts'

/** What `read.lua` and `newest.lua` tell of one channel, all in one atomic step. */
export interface ChannelReading {
  /** The position of its newest message; undefined: Redis does not know the channel. */
  readonly last: Position | undefined
  readonly mark: EndMark | undefined
  /** There may be more behind the entries. */
  readonly hasMore: boolean
  readonly entries: readonly Announcement[]
}

/** Why a channel takes no more messages. */
export interface EndMark {
  readonly isDeletion: boolean
  /** For so long a deleted name stays closed. */
  readonly remainingMs: number
  readonly position: Position
}

/** One atomic look at some channels. */
export interface Reading {
  readonly clock: Position
  /** The clock, or the time of Redis where that is later. */
  readonly latest: Position
  readonly born: Position
  readonly forgotten: Position
  readonly channels: readonly ChannelReading[]
}

export interface ReadRequest {
  readonly channels: readonly string[]
  /** Of each channel, what lies behind this. */
  readonly from: readonly Position[]
  readonly upTo?: Position
  /** A position that a client names: the clock is raised to it if it is not later than Redis' time. */
  readonly named?: Position
  readonly maxBytes: number
  /** Of each channel; 0: only what proves. */
  readonly maxEntries: number
}

export function readArguments(request: ReadRequest): Argument[] {
  const { channels, from, upTo, named, maxBytes, maxEntries } = request
  const pairs = channels.flatMap((channel, i) => [channel, print(from[i] ?? 0)])
  return [print(named), print(upTo), maxBytes, maxEntries, ...pairs]
}

export function decodeReading(reply: Reply): Reading {
  const [clock, latest, born, forgotten, ...channels] = reply as readonly Reply[]
  return {
    clock: toPosition(clock!),
    latest: toPosition(latest!),
    born: toPosition(born!),
    forgotten: toPosition(forgotten!),
    channels: channels.map(decodeChannel),
  }
}

function decodeChannel(reply: Reply): ChannelReading {
  const [last, mark, hasMore, entries] = reply as [Buffer, Buffer, number, readonly Reply[]]
  return {
    last: last.length === 0 ? undefined : toPosition(last),
    mark: decodeMark(mark),
    hasMore: hasMore === 1,
    entries: entries.map(decodeEntry),
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
