import { type IncomingHttpHeaders } from 'node:http'
import { type Start } from '../broker/broker.ts'
import { parseDuration } from '../config/units.ts'
import { errors, quote } from '../errors.ts'
import { type Subscription } from '../hub/hub.ts'
import { readSubscribedNames } from './channel-names.ts'

/** As the query string parser gives it: a repeated parameter is a list. */
export type Query = Readonly<Record<string, string | string[] | undefined>>

const MAX_NEWEST = 1000
const MIN_PING_SECONDS = 5
const MAX_PING_SECONDS = 300
/** A `+` of an offset is a space by the time it arrives here. */
const RFC_3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)([Zz]|[+ -]\d\d:\d\d)$/

/** What `GET /channels/:names` asks for (protocol §3). Unknown parameters are ignored: polyfills add some. */
export function readSubscription(
  names: string,
  query: Query,
  headers: IncomingHttpHeaders,
): Subscription {
  return {
    channels: readSubscribedNames(names),
    start: readStart(query, headers),
    events: readEvents(single(query, 'events')),
    isEnvelope: readFlag(query, 'envelope', '1', '0'),
    hasControl: !readFlag(query, 'control', 'off', 'on'),
    hasPadding: readFlag(query, 'padding', '1', '0'),
    pingMs: readPing(single(query, 'ping')) * 1000,
  }
}

/** A bad id is never an error: an EventSource that sends it would give up for good. */
function readStart(query: Query, headers: IncomingHttpHeaders): Start {
  const since = readSince(single(query, 'since'))
  const count = readNewest(single(query, 'last'))
  if (since !== undefined && count !== undefined) {
    throw new errors.QUERY_INVALID('give either since or last, not both')
  }
  const id = [headers['last-event-id'], query['lastEventId'], query['last_event_id']]
    .flat()
    .find((given) => given !== undefined && given !== '')
  if (id !== undefined) return { kind: 'after', id }
  if (since !== undefined) return { kind: 'since', time: since }
  if (count !== undefined) return { kind: 'newest', count }
  return { kind: 'now' }
}

/** A position in µs; 0 for `all`. */
function readSince(text: string | undefined): number | undefined {
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

function readNewest(text: string | undefined): number | undefined {
  return text === undefined ? undefined : readInteger('last', text, 1, MAX_NEWEST)
}

function readPing(text: string | undefined): number {
  return text === undefined ? 0 : readInteger('ping', text, MIN_PING_SECONDS, MAX_PING_SECONDS)
}

function readInteger(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  const message = `${name}=${quote(text)} is not valid: it takes a whole number from ${min} to ${max}`
  throw new errors.QUERY_INVALID(message)
}

function readEvents(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined
  const events = text.split(',')
  if (events.every((event) => event !== '')) return new Set(events)
  const right = 'it takes event types with commas between them; message means without type'
  throw new errors.QUERY_INVALID(`events=${quote(text)} is not valid: ${right}`)
}

function readFlag(query: Query, name: string, on: string, off: string): boolean {
  const text = single(query, name)
  if (text === undefined || text === off) return false
  if (text === on) return true
  throw new errors.QUERY_INVALID(`${name}=${quote(text)} is not valid: it takes ${on} or ${off}`)
}

/** The value of a parameter that stands once. */
export function single(query: Query, name: string): string | undefined {
  const value = query[name]
  if (!Array.isArray(value)) return value
  throw new errors.QUERY_INVALID(`${name} stands ${value.length} times: give it once`)
}
