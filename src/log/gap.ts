import { type Position } from '../position.ts'
import { type Gap } from '../sse/control-frame.ts'
import { type Log } from './log.ts'
import { beforeFirst, type Floors } from './read.ts'

interface Reading {
  readonly logs: readonly Log[]
  readonly cursor: Position
  readonly floors: Floors | undefined
  /** The current position. */
  readonly clock: Position
  /** The position to tell as the one the hole lies behind, if it is one of ours. */
  readonly after: Position | undefined
}

/**
 * The one gap event for all holes behind a cursor (protocol §4 `evicted`); undefined: nothing is missing. A deleted
 * channel has no hole: its owner dropped it, and its end says so.
 */
export function findGap({ logs, cursor, floors, clock, after }: Reading): Gap | undefined {
  const holed = logs.filter(
    (log, i) => log.base > Math.max(cursor, floors?.[i] ?? 0) && !log.isDeleted,
  )
  if (holed.length === 0) return undefined
  const channels = holed.map((log) => log.channel)
  return {
    reason: 'evicted',
    channels,
    after,
    position: beforeFirst(logs, cursor, floors) ?? clock,
  }
}
