import { formatId, type Position } from '../position.ts'
import { type Utf8 } from './utf8.ts'

export const CLOSE_REASONS = ['drain', 'max-age', 'token-expired', 'deleted'] as const
/** Why the hub closes a healthy stream (protocol §5). */
export type CloseReason = (typeof CLOSE_REASONS)[number]

export const GAP_REASONS = ['evicted', 'reset', 'unknown'] as const
/** Why it can't be proved that nothing is missing (protocol §4). */
export type GapReason = (typeof GAP_REASONS)[number]

/** What a `piazza.gap` event tells. */
export interface Gap {
  readonly reason: GapReason
  /** The channels with a hole; null: all. */
  readonly channels: readonly string[] | null
  /** The position the client came with; undefined if it gave none or none of ours. */
  readonly after: Position | undefined
  /** The position that says the gap once. */
  readonly position: Position
}

/** A line that any parser skips. Without a blank line: some clients take an empty block for an event. */
export const HEARTBEAT = ':\n' as Utf8

/** `padding=1`: more than the buffers of proxies that hold back the first 1-2 KiB. */
export const PADDING = `:${' '.repeat(2048)}\n` as Utf8

function control(event: string, data: object, position?: Position, retryMs?: number): Utf8 {
  const retry = retryMs === undefined ? '' : `retry: ${retryMs}\n`
  const id = position === undefined ? '' : `id: ${formatId(position)}\n`
  return `event: piazza.${event}\n${retry}data: ${JSON.stringify(data)}\n${id}\n` as Utf8
}

/**
 * The start of every stream. The blank line that ends a block belongs to `openFrame`, which `control=off` leaves out.
 * The comment takes up a line that WebKit kept from a torn connection.
 */
export function preamble(retryMs: number): Utf8 {
  return `:\nretry: ${retryMs}\n` as Utf8
}

/** `heartbeatSeconds` null: heartbeats are off. */
export function openFrame(heartbeatSeconds: number | null, position: Position): Utf8 {
  return `event: piazza.open\ndata: {"heartbeat":${heartbeatSeconds}}\nid: ${formatId(position)}\n\n` as Utf8
}

export function positionFrame(position: Position): Utf8 {
  return control('position', {}, position)
}

/** `told`: the last id this stream was sent; the gap's own is left out unless it is above. */
export function gapFrame(gap: Gap, told: Position): Utf8 {
  const after = gap.after === undefined ? null : formatId(gap.after)
  const data = { reason: gap.reason, channels: gap.channels, after }
  return control('gap', data, gap.position > told ? gap.position : undefined)
}

export function endFrame(channel: string): Utf8 {
  return control('end', { channel })
}

export function pingFrame(now: Date): Utf8 {
  return control('ping', { time: now.toISOString() })
}

export function closeFrame(
  reason: CloseReason,
  position: Position | undefined,
  retryMs?: number,
): Utf8 {
  return control('close', { reason }, position, retryMs)
}

/**
 * The whole body of a refused subscribe (protocol §6). WebKit puts what it had of a torn block before the next body:
 * the comment takes up a torn line, and without a blank line no half message is completed. Nor is this an empty event to
 * clients that take every blank line for the end of one.
 */
export function refusalBody(reason: string, retryMs: number): Utf8 {
  return `: refused: ${reason}\nretry: ${retryMs}\n` as Utf8
}
