import { type Floors } from '../../log/read.ts'
import { type Position } from '../../position.ts'
import { type Gap } from '../../sse/control-frame.ts'
import { type Opening } from '../broker.ts'
import { type Announcement, toMessage } from './announcement.ts'
import { type ChannelReading } from './reading.ts'

/** What was asked, of the same channels as the reading, in their order. */
export interface Question {
  readonly channels: readonly string[]
  readonly from: Position
  /** Where a channel is read from later than that: what lies below has been told, or there is nothing. */
  readonly floors: Floors | undefined
  /**
   * `after`: a position that a client, or a stream, names. `since`: a moment, which claims nothing. `floors`: whatever
   * is retained there will do.
   */
  readonly kind: 'after' | 'since' | 'floors'
}

/**
 * What Redis has told of these channels, by one script or several: what a script says of a channel holds up to its own
 * clock, whatever the others say.
 */
export interface Readings {
  /** The earliest of them. */
  readonly clock: Position
  readonly latest: Position
  readonly born: Position
  /** Undefined: not read, since it has nothing up to its floor, and that is far enough. */
  readonly channels: readonly (ChannelReading | undefined)[]
}

/** Rule 10: what a reading proves, and what a stream is to be sent of it. */
export function proveReading(readings: Readings, question: Question): Opening {
  const { clock, latest, born } = readings
  const { kind } = question
  if (kind === 'after' && question.from > latest) {
    const gap: Gap = { reason: 'unknown', channels: null, after: undefined, position: clock }
    return { position: clock, cursor: clock, floors: undefined, gap, messages: [] }
  }
  const isReset = kind === 'after' && question.from < born
  const from = kind === 'since' ? Math.min(Math.max(question.from, born), clock) : question.from
  const start = Math.max(from, isReset ? born : 0)
  const { entries, reached } = mergeEntries(readings, question)
  const next = entries[0]?.position // rule 11: one gap stands before it, for all holes
  const holes = kind === 'floors' ? [] : findHoles(readings, question, start)
  const cursor = reached ?? clock
  const floors =
    reached === undefined ? undefined : floorsBehind(readings, question, start, reached)
  const messages = entries.map(({ announcement, channel }) => toMessage(announcement, channel))
  if (isReset || holes.length > 0) {
    const gap: Gap = {
      reason: isReset ? 'reset' : 'evicted',
      channels: isReset ? null : holes,
      after: kind === 'after' ? question.from : undefined,
      position: isReset ? born : next === undefined ? clock : next - 1,
    }
    return { position: isReset ? born : from, gap, messages, cursor, floors }
  }
  const position = next === undefined ? cursor : kind === 'floors' ? next - 1 : from
  return { position, gap: undefined, messages, cursor, floors }
}

interface Placed {
  readonly position: Position
  readonly announcement: Announcement
  readonly channel: string
}

/** In the order of positions, each once, up to where all channels were read; `reached` undefined: that is the end. */
function mergeEntries(
  { channels }: Readings,
  question: Question,
): { readonly entries: readonly Placed[]; readonly reached: Position | undefined } {
  let reached: Position | undefined
  channels.forEach((reading, i) => {
    const end = reading === undefined ? startOf(question, i) : endOf(reading)
    if (end !== undefined) reached = Math.min(reached ?? end, end)
  })
  const all = channels.flatMap((reading, i) =>
    (reading?.entries ?? [])
      .filter(({ position }) => reached === undefined || position <= reached)
      .map((announcement) => {
        const { position } = announcement
        return { position, announcement, channel: question.channels[i] as string }
      }),
  )
  all.sort((a, b) => a.position - b.position)
  const entries = all.filter(({ position }, i) => position !== all[i - 1]?.position)
  return { entries, reached }
}

/** Up to here a channel has been read; undefined: to its end. */
function endOf({ hasMore, entries, oldest }: ChannelReading): Position | undefined {
  if (!hasMore || oldest === undefined) return undefined
  return entries.at(-1)?.position ?? oldest.position - 1
}

/** Where a channel is read from. */
export function startOf({ from, floors }: Question, i: number): Position {
  return Math.max(from, floors?.[i] ?? 0)
}

/** Channels of which something behind their start was dropped. */
function findHoles(
  { channels }: Readings,
  { channels: names, floors }: Question,
  start: Position,
): string[] {
  return names.filter((_, i) => {
    const reading = channels[i]
    if (reading === undefined) return false // it is read later
    const { oldest, last, mark, forgotten } = reading
    const from = Math.max(start, floors?.[i] ?? 0)
    if (mark?.isDeletion) return false // its owner dropped it, and its end says so
    if (oldest !== undefined) return oldest.previous > from
    return last === undefined ? from < forgotten : last > from
  })
}

/** Where each channel is read from by the next page: a hole is told once, and what is known to come later waits. */
function floorsBehind(
  { channels }: Readings,
  { floors }: Question,
  start: Position,
  reached: Position,
): Floors {
  return channels.map((reading, i) => {
    const from = Math.max(start, floors?.[i] ?? 0)
    if (reading === undefined) return from
    const { oldest, last, forgotten } = reading
    if (oldest === undefined) return Math.max(from, last ?? forgotten)
    return Math.max(from, oldest.position > reached ? oldest.position - 1 : oldest.previous)
  })
}
