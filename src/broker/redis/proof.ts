import { type Floors } from '../../log/read.ts'
import { type Position } from '../../position.ts'
import { type Gap } from '../../sse/control-frame.ts'
import { type Opening } from '../broker.ts'
import { type Announcement, toMessage } from './announcement.ts'
import { type Reading } from './reading.ts'

/** What was asked, of the same channels as the reading, in their order. */
export interface Question {
  readonly channels: readonly string[]
  readonly from: Position
  /** Where a channel is read from later than that: what lies below has been told. */
  readonly floors: Floors | undefined
  /**
   * `after`: a position that a client, or a stream, names. `since`: a moment, which claims nothing. `floors`: whatever
   * is retained there will do.
   */
  readonly kind: 'after' | 'since' | 'floors'
}

/** Rule 10: what a reading proves, and what a stream is to be sent of it. */
export function proveReading(reading: Reading, question: Question): Opening {
  const { clock, latest, born } = reading
  const { kind } = question
  if (kind === 'after' && question.from > latest) {
    const gap: Gap = { reason: 'unknown', channels: null, after: undefined, position: clock }
    return { position: clock, cursor: clock, floors: undefined, gap, messages: [] }
  }
  const isReset = kind === 'after' && question.from < born
  const from = kind === 'since' ? Math.min(Math.max(question.from, born), clock) : question.from
  const start = Math.max(from, isReset ? born : 0)
  const { entries, reached } = mergeEntries(reading, question)
  const next = entries[0]?.position
  const holes = kind === 'floors' ? [] : findHoles(reading, question, start)
  const cursor = reached ?? clock
  const floors = reached === undefined ? undefined : floorsBehind(reading, question, start)
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
  { channels }: Reading,
  question: Question,
): { readonly entries: readonly Placed[]; readonly reached: Position | undefined } {
  let reached: Position | undefined
  for (const { hasMore, entries } of channels) {
    const last = entries.at(-1)?.position
    if (hasMore && last !== undefined) reached = Math.min(reached ?? last, last)
  }
  const all = channels.flatMap(({ entries }, i) =>
    entries
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

/** Channels of which something behind their start was dropped. */
function findHoles(reading: Reading, { channels, floors }: Question, start: Position): string[] {
  return channels.filter((_, i) => {
    const { entries, last, mark } = reading.channels[i]!
    const from = Math.max(start, floors?.[i] ?? 0)
    if (mark?.isDeletion) return false // its owner dropped it, and its end says so
    const oldest = entries[0]
    if (oldest !== undefined) return oldest.previous > from
    return last === undefined ? from < reading.forgotten : last > from
  })
}

/** Where each channel is read from by the next page: a hole is told once. */
function floorsBehind(reading: Reading, { floors }: Question, start: Position): Floors {
  return reading.channels.map(({ entries, last }, i) => {
    const from = Math.max(start, floors?.[i] ?? 0)
    return Math.max(from, entries[0]?.previous ?? last ?? reading.forgotten)
  })
}
