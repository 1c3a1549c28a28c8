import { type IncomingHttpHeaders } from 'node:http'
import { type Start } from '../broker/broker.ts'
import { errors, quote } from '../errors.ts'
import { type Subscription } from '../hub/hub.ts'
import { readSubscribedNames } from './channel-names.ts'
import { MAX_NEWEST, MAX_PING_SECONDS, MIN_PING_SECONDS } from './subscribe-schema.ts'
import { type Query, readInteger, readSince, single } from './query.ts'

/** What `GET /channels/:names` asks for (protocol §3). Unknown parameters are ignored: polyfills add some. */
export function readSubscription(
  names: string,
  query: Query,
  headers: IncomingHttpHeaders,
): Omit<Subscription, 'endsAtMs' | 'place'> {
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
  const id =
    firstGiven(headers['last-event-id']) ??
    firstGiven(query['lastEventId']) ??
    firstGiven(query['last_event_id'])
  if (id !== undefined) return { kind: 'after', id }
  if (since !== undefined) return { kind: 'since', time: since }
  if (count !== undefined) return { kind: 'newest', count }
  return { kind: 'now' }
}

function firstGiven(id: string | string[] | undefined): string | undefined {
  if (Array.isArray(id)) return id.find((one) => one !== '')
  return id === '' ? undefined : id
}

function readNewest(text: string | undefined): number | undefined {
  return text === undefined ? undefined : readInteger('last', text, 1, MAX_NEWEST)
}

function readPing(text: string | undefined): number {
  return text === undefined ? 0 : readInteger('ping', text, MIN_PING_SECONDS, MAX_PING_SECONDS)
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
