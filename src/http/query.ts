import { parseDuration } from '../config/units.ts'
import { errors, quote } from '../errors.ts'

/** As the query string parser gives it: a repeated parameter is a list. */
export type Query = Readonly<Record<string, string | string[] | undefined>>

/** A `+` of an offset is a space by the time it arrives here. */
const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)([Zz]|[+ -]\d\d:\d\d)$/

/** The value of a parameter that stands once. */
export function single(query: Query, name: string): string | undefined {
  const value = query[name]
  if (!Array.isArray(value)) return value
  throw new errors.QUERY_INVALID(`${name} stands ${value.length} times: give it once`)
}

/** A whole number of the range; throws `QUERY_INVALID`. */
export function readInteger(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  const message = `${name}=${quote(text)} is not valid: it takes a whole number from ${min} to ${max}`
  throw new errors.QUERY_INVALID(message)
}

/** A position in µs; 0 for `all`. */
export function readSince(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (text === 'all') return 0
  const backMs = parseDuration(text)
  if (backMs !== undefined) return (Date.now() - backMs) * 1000
  const match = RFC_3339.exec(text)
  const isDate = match !== null && isCalendarDate(match[1]!)
  const time = isDate ? Date.parse(`${match[1]}T${match[2]}${zone(match[3]!)}`) : Number.NaN
  if (!Number.isNaN(time)) return time * 1000
  const right =
    'it takes an RFC 3339 time (2026-01-31T12:00:00Z), a duration back (90s, 10m, 2h) or all'
  throw new errors.QUERY_INVALID(`since=${quote(text)} is not valid: ${right}`)
}

/** `Date` takes February 30 for a day in March. */
function isCalendarDate(date: string): boolean {
  const time = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
}

function zone(text: string): string {
  return text.toUpperCase().replace(' ', '+')
}

/** For routes whose clients add nothing of their own: a typo must not be silent. */
export function refuseUnknown(query: Query, names: readonly string[]): void {
  const unknown = Object.keys(query).find((name) => !names.includes(name))
  if (unknown === undefined) return
  const right =
    names.length === 0 ? 'this route takes none' : `the parameters are ${names.join(', ')}`
  const message = `there is no parameter ${quote(unknown)}; ${right}`
  throw new errors.QUERY_INVALID(message)
}
