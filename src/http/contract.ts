import { type TSchema, Type } from 'typebox'
import { errors } from '../errors.ts'

/** What `GET /openapi.json` tells of routes. Nothing is checked by it: routes do that, in words that help. */

type ErrorName = keyof typeof errors

/** Any route may answer these. */
const EVERYWHERE: readonly ErrorName[] = [
  'REQUEST_INVALID',
  'HOST_FORBIDDEN',
  'METHOD_NOT_ALLOWED',
  'REQUEST_TIMEOUT',
  'EXPECTATION_FAILED',
  'HEADERS_TOO_LARGE',
  'INTERNAL',
]

/** Headers that come with a status, whatever the route. */
const HEADERS_OF_STATUS: Readonly<Record<number, Readonly<Record<string, TSchema>>>> = {
  401: { 'WWW-Authenticate': Type.String({ description: 'RFC 6750: `Bearer realm="piazza"`' }) },
  405: { Allow: Type.String({ description: 'The methods that the resource has' }) },
  503: { 'Retry-After': Type.Integer({ description: 'Seconds' }) },
}

export const NO_STORE = {
  'Cache-Control': Type.String({ description: '`no-store`' }),
} as const

/** Who may ask: a route names one of them as its `security`; an empty requirement means that none is needed. */
export const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A publish key' },
  query: {
    type: 'apiKey',
    in: 'query',
    name: 'token',
    description: 'The same, for an EventSource',
  },
  cookie: { type: 'apiKey', in: 'cookie', name: 'piazza_token', description: 'The same' },
} as const

export const BY_HEADER = [{ bearer: [] }, { cookie: [] }, {}]
export const BY_HEADER_OR_QUERY = [{ bearer: [] }, { query: [] }, { cookie: [] }, {}]
export const BY_NOTHING = [{}]

/** One success answer with a JSON body. */
export function jsonAnswer(description: string, schema: TSchema) {
  return { description, headers: NO_STORE, content: { 'application/json': { schema } } }
}

/** An answer of text. */
export function textAnswer(description: string, type: string, headers = {}) {
  const schema = Type.String()
  return { description, headers: { ...NO_STORE, ...headers }, content: { [type]: { schema } } }
}

/** An answer without a body. */
export function emptyAnswer(description: string) {
  return { description, headers: NO_STORE, type: 'null' }
}

/** Error answers of a route by status: those named, and those that any route may answer. `also`: other bodies there. */
export function errorAnswers(names: readonly ErrorName[], also: readonly TSchema[] = []) {
  const byStatus = new Map<number, string[]>()
  for (const name of [...EVERYWHERE, ...names]) {
    const { code, statusCode } = new errors[name]('')
    byStatus.set(statusCode, [...(byStatus.get(statusCode) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const schema = Type.Union([errorBody(status, codes), ...also])
      const headers = { ...NO_STORE, ...HEADERS_OF_STATUS[status] }
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
