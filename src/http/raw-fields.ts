import { errors, quote } from '../errors.ts'
import { type Unchecked } from './publication.ts'
import { EXPECTED, MAX_RETRY_MS, MIN_RETRY_MS } from './publish-schema.ts'
import { type Query, single } from './query.ts'

const FIELDS = ['event', 'retry', 'ephemeral', 'end'] as const
type Field = (typeof FIELDS)[number]

/** What `POST /channels/:name` takes from its query: text, where the JSON route has types. */
export function readRawFields(
  url: string,
  query: Query,
): Pick<Unchecked, 'event' | 'retry' | 'isEphemeral' | 'isEnd'> {
  requireWellFormed(url)
  const unknownField = Object.keys(query).find(
    (name) => !(FIELDS as readonly string[]).includes(name),
  )
  if (unknownField !== undefined) {
    const message = `there is no parameter ${quote(unknownField)}; the parameters are ${FIELDS.join(', ')}`
    throw new errors.FIELD_UNKNOWN(message)
  }
  return {
    event: single(query, 'event'),
    retry: readRetry(single(query, 'retry')),
    isEphemeral: readBoolean(query, 'ephemeral'),
    isEnd: readBoolean(query, 'end'),
  }
}

/** The query string parser takes a broken escape as it stands: it would become another event. */
function requireWellFormed(url: string): void {
  try {
    decodeURIComponent(url.slice(url.indexOf('?') + 1))
  } catch {
    throw new errors.QUERY_INVALID('the query has a % that is no escape of UTF-8: write % as %25')
  }
}

function readRetry(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const retry = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (retry >= MIN_RETRY_MS && retry <= MAX_RETRY_MS) return retry
  throw invalid('retry', text)
}

function readBoolean(query: Query, name: 'ephemeral' | 'end'): boolean {
  const text = single(query, name)
  if (text === 'true') return true
  if (text === undefined || text === 'false') return false
  throw invalid(name, text)
}

function invalid(name: Field, text: string) {
  return new errors.FIELD_INVALID(`parameter ${name} must be ${EXPECTED[name]}, not ${quote(text)}`)
}
