import { type Log } from '../log/log.ts'
import { findGap } from '../log/gap.ts'
import { beforeFirst, firstAfter, floorsAtBases, floorsOfNewest } from '../log/read.ts'
import { parseId, type Position } from '../position.ts'
import { type Gap } from '../sse/control-frame.ts'
import { type Opening, type Start } from './broker.ts'

interface Question {
  readonly logs: readonly Log[]
  readonly start: Start
  readonly clock: Position
  readonly born: Position
}

/**
 * Rule 10: where a stream of these logs begins and what it must be told. Completeness is proved, never assumed
 * (protocol §4).
 */
export function proveOpening({ logs, start, clock, born }: Question): Opening {
  switch (start.kind) {
    case 'now':
      return { position: clock, cursor: clock, floors: undefined, gap: undefined, messages: [] }
    case 'newest':
      return openNewest(logs, start.count, clock)
    case 'since': {
      const from = Math.min(Math.max(start.time, born), clock)
      return openAfter(logs, from, clock, undefined)
    }
    default:
      return openAtId(logs, start.id, clock, born)
  }
}

function openNewest(logs: readonly Log[], count: number, clock: Position): Opening {
  const floors = floorsOfNewest(logs, count)
  // Told just before the first, so that a cut before it loses nothing.
  const cursor = beforeFirst(logs, 0, floors) ?? clock
  return { position: cursor, cursor, floors, gap: undefined, messages: [] }
}

function openAtId(logs: readonly Log[], id: string, clock: Position, born: Position): Opening {
  const position = parseId(id)
  if (position === undefined || position > clock) {
    const gap: Gap = { reason: 'unknown', channels: null, after: undefined, position: clock }
    return { position: clock, cursor: clock, floors: undefined, gap, messages: [] }
  }
  if (position < born) {
    const gap: Gap = { reason: 'reset', channels: null, after: position, position: born }
    const cursor = beforeFirst(logs, born) ?? clock
    return { position: born, cursor, floors: floorsAtBases(logs), gap, messages: [] }
  }
  return openAfter(logs, position, clock, position)
}

/** `given`: the position the client named, if it named one. */
function openAfter(
  logs: readonly Log[],
  from: Position,
  clock: Position,
  given: Position | undefined,
): Opening {
  const gap = findGap({ logs, cursor: from, floors: undefined, clock, after: given })
  if (gap !== undefined) {
    return { position: from, cursor: gap.position, floors: floorsAtBases(logs), gap, messages: [] }
  }
  const cursor = firstAfter(logs, from) === undefined ? clock : from
  return { position: cursor, cursor, floors: undefined, gap: undefined, messages: [] }
}
