import { type TSchema, Type } from 'typebox'
import { errors } from '../errors.ts'
import {
  always,
  type AnswerHeaders,
  CLOSE,
  CLOSE_OR_NOT,
  header,
  NOTHING_MORE,
  NOTHING_MORE_IF_CLOSE,
  SECONDS,
} from './answer-headers.ts'

/** What `GET /openapi.json` tells of routes. Nothing is checked by it: routes do that, in words that help. */

type ErrorName = keyof typeof errors

/** Any address may answer these. */
const ANYWHERE: readonly ErrorName[] = [
  'REQUEST_INVALID',
  'HOST_FORBIDDEN',
  'REQUEST_TIMEOUT',
  'URL_TOO_LONG',
  'EXPECTATION_FAILED',
  'HEADERS_TOO_LARGE',
  'INTERNAL',
]

/** draft-ietf-httpapi-ratelimit-headers-10; where publishing is limited. */
export const QUOTA_HEADERS: AnswerHeaders = {
  'RateLimit-Policy': header('What a publisher may send in a second: `"messages";q=100;w=1`'),
  RateLimit: header('What is left of it, and seconds until all of it is: `"messages";r=42;t=1`'),
}

const CLOSING = { Connection: always(NOTHING_MORE, CLOSE) }
const MAYBE_CLOSING = { Connection: header(NOTHING_MORE_IF_CLOSE, CLOSE_OR_NOT) }

/** Headers that come with a status, whatever the route, besides those of all answers. */
const HEADERS_OF_STATUS: Readonly<Record<number, AnswerHeaders>> = {
  400: MAYBE_CLOSING,
  401: { 'WWW-Authenticate': always('RFC 6750: `Bearer realm="piazza"`') },
  405: { Allow: always('The methods that the resource has') },
  408: CLOSING,
  413: MAYBE_CLOSING,
  417: CLOSING,
  429: { 'Retry-After': always('Seconds', SECONDS), ...QUOTA_HEADERS },
  431: CLOSING,
  503: { 'Retry-After': always('Seconds', SECONDS) },
}

/** A route that takes tokens may answer these. */
export const TOKEN_ERRORS = ['UNAUTHORIZED', 'TOKEN_EXPIRED', 'TOKEN_CLAIMS_INVALID'] as const

/** Who may ask: a route names one of them as its `security`; an empty requirement means that none is needed. */
export const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A publish key, or a JWT' },
  query: {
    type: 'apiKey',
    in: 'query',
    name: 'token',
    description: 'The same, for an EventSource',
  },
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: 'piazza_token',
    description: 'The same, for pages; `PIAZZA_COOKIE_NAME` says otherwise',
  },
} as const

export const BY_HEADER = [{ bearer: [] }, { cookie: [] }, {}]
export const BY_HEADER_OR_QUERY = [{ bearer: [] }, { query: [] }, { cookie: [] }, {}]
export const BY_NOTHING = [{}]

/** One success answer with a JSON body. */
export function jsonAnswer(description: string, schema: TSchema, headers: AnswerHeaders = {}) {
  return { description, headers, content: { 'application/json': { schema } } }
}

/** An answer of text. */
export function textAnswer(description: string, type: string, headers: AnswerHeaders = {}) {
  return { description, headers, content: { [type]: { schema: Type.String() } } }
}

/** An answer without a body. */
export function emptyAnswer(description: string, headers: AnswerHeaders = {}) {
  return { description, headers, type: 'null' }
}

export interface ErrorAnswersOptions {
  /** Other bodies of the route by status. */
  readonly bodies?: Readonly<Record<number, TSchema>>
  /** Headers of the route by status, besides those that come with it everywhere. */
  readonly headers?: Readonly<Record<number, AnswerHeaders>>
}

/** Error answers of a route by status: those named, and those that any route may answer. */
export function errorAnswers(names: readonly ErrorName[], options: ErrorAnswersOptions = {}) {
  return codedAnswers([...ANYWHERE, 'METHOD_NOT_ALLOWED', ...names], options)
}

/** Error answers of OPTIONS, and of addresses that are none. */
export function plainErrorAnswers(names: readonly ErrorName[]) {
  return codedAnswers([...ANYWHERE, ...names], {})
}

function codedAnswers(
  names: readonly ErrorName[],
  { bodies = {}, headers: own = {} }: ErrorAnswersOptions,
) {
  const byStatus = new Map<number, string[]>()
  for (const name of names) {
    const { code, statusCode } = new errors[name]('')
    byStatus.set(statusCode, [...(byStatus.get(statusCode) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const error = errorBody(status, codes)
      const other = bodies[status]
      const schema = other === undefined ? error : Type.Union([error, other])
      const headers = { ...HEADERS_OF_STATUS[status], ...own[status] }
      const description = codes.map((code) => `\`${code}\``).join(', ')
      return [status, { description, headers, content: { 'application/json': { schema } } }]
    }),
  )
}

function errorBody(status: number, codes: readonly string[]): TSchema {
  return Type.Object({
    statusCode: Type.Literal(status),
    code: Type.Enum([...codes]),
    error: Type.String({ description: 'The words of the status' }),
    message: Type.String({ description: 'What was wrong, which value, and what would be right' }),
  })
}
