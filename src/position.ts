/**
 * A place in the hub's log: microseconds of a hybrid clock (`max(last + 1, now)`), so positions rise strictly and
 * tell the time as well. A JavaScript number holds them exactly until the year 2255.
 */
export type Position = number

/** `Number.MAX_SAFE_INTEGER` has 11 digits in base 36; the fixed width makes byte order the order of positions. */
export const ID_LENGTH = 11
const ID = /^[0-9a-z]{11}$/

const RADIX = 36
const PAIR = RADIX ** 2
/** All pairs of digits. */
const PAIRS = Array.from({ length: PAIR }, (_, i) => i.toString(RADIX).padStart(2, '0'))
/** Positions with the same digits before their last four, 1.7 s of them, of which the last one's are kept. */
const SPAN = PAIR ** 2
let leading = { span: Number.NaN, digits: '' }

/**
 * The SSE `id` of a position: 11 characters of `0-9a-z` (protocol §4: never a CORS preflight). With kept digits, since
 * `toString(36)` of such numbers takes 1.3 µs, more than ten times as long (measured).
 */
export function formatId(position: Position): string {
  const span = Math.floor(position / SPAN)
  if (span !== leading.span) {
    leading = { span, digits: span.toString(RADIX).padStart(ID_LENGTH - 4, '0') }
  }
  const rest = position - span * SPAN
  return leading.digits + PAIRS[Math.floor(rest / PAIR)]! + PAIRS[rest % PAIR]!
}

/** The position an `id` names; undefined if no hub ever printed it. */
export function parseId(id: string): Position | undefined {
  if (!ID.test(id)) return undefined
  const position = Number.parseInt(id, 36)
  return Number.isSafeInteger(position) ? position : undefined
}

/** The wall clock as a position. Milliseconds are enough: the hybrid clock orders what falls into one. */
export function currentPosition(): Position {
  return Date.now() * 1000
}

/** The wall-clock time at which a position was given out, in ms since the epoch. */
export function millisecondsOf(position: Position): number {
  return Math.floor(position / 1000)
}
