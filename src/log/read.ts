import { type Position } from '../position.ts'
import { type Log } from './log.ts'
import { isDeletion, type Message } from './message.ts'

/** Messages of several logs in the order of their positions. */
export interface Batch {
  readonly messages: readonly Message[]
  /** Everything up to here has been read. */
  readonly end: Position
  /** More lies behind `end`. */
  readonly hasMore: boolean
}

/** Where each log is read from: `after`, or its entry in `floors` where that is later. */
export type Floors = readonly Position[]

/** The messages of `logs` later than `after`, merged, each once: at most `maxBytes` of frames, but at least one. */
export function readAfter(
  logs: readonly Log[],
  after: Position,
  maxBytes: number,
  floors?: Floors,
): Batch {
  const cursors: { log: Log; index: number; next: Message }[] = []
  logs.forEach((log, i) => {
    const index = log.indexAfter(Math.max(after, floors?.[i] ?? 0))
    const next = log.at(index)
    if (next !== undefined) cursors.push({ log, index, next })
  })
  const messages: Message[] = []
  let end = after
  let bytes = 0
  while (cursors.length > 0) {
    let earliest = cursors[0]!
    for (const cursor of cursors) {
      if (cursor.next.position < earliest.next.position) earliest = cursor
    }
    const message = earliest.next
    const isRepeated = message.position === end && messages.length > 0 // it went to several of these channels
    if (isRepeated) {
      // one of them has been deleted since: its mark stands where its end stood
      if (isDeletion(messages.at(-1)!)) messages[messages.length - 1] = message
    } else {
      const size = message.frame.length
      if (bytes > 0 && bytes + size > maxBytes) return { messages, end, hasMore: true }
      bytes += size
      messages.push(message)
      end = message.position
    }
    earliest.index += 1
    const next = earliest.log.at(earliest.index)
    if (next === undefined) cursors.splice(cursors.indexOf(earliest), 1)
    else earliest.next = next
  }
  return { messages, end, hasMore: false }
}

/** Takes what is retained for all there is: what lies below has been told as a gap. */
export function floorsAtBases(logs: readonly Log[]): Floors {
  return logs.map((log) => log.base)
}

/** For each log, the position behind which its newest `count` messages lie. */
export function floorsOfNewest(logs: readonly Log[], count: number): Floors {
  return logs.map((log) => {
    const wanted = log.isDeleted ? count + 1 : count
    return log.length <= wanted ? log.base : log.at(log.length - wanted - 1)!.position
  })
}

/** The first message of `logs` behind `after`, or behind each one's floor. */
export function firstAfter(
  logs: readonly Log[],
  after: Position,
  floors?: Floors,
): Position | undefined {
  let first: Position | undefined
  logs.forEach((log, i) => {
    const next = log.at(log.indexAfter(Math.max(after, floors?.[i] ?? 0)))
    if (next !== undefined && !isDeletion(next) && (first === undefined || next.position < first)) {
      first = next.position
    }
  })
  return first
}

/** The position just below the first message that follows. */
export function beforeFirst(
  logs: readonly Log[],
  after: Position,
  floors?: Floors,
): Position | undefined {
  const first = firstAfter(logs, after, floors)
  return first === undefined ? undefined : first - 1
}
