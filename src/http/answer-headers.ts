import { type TSchema, Type } from 'typebox'
import { ALLOWED_HEADERS, ALLOWED_METHODS, EXPOSED_HEADERS } from './plugins/cors.ts'

/** A header of answers, as `GET /openapi.json` tells it. `Content-Type` stands with the contents there. */
export interface AnswerHeader {
  readonly description: string
  /** It stands in every answer of that status. */
  readonly required?: true
  readonly schema: TSchema
}

export type AnswerHeaders = Readonly<Record<string, AnswerHeader>>

/** It may stand there. */
export function header(description: string, schema: TSchema = Type.String()): AnswerHeader {
  return { description, schema }
}

export function always(description: string, schema?: TSchema): AnswerHeader {
  return { ...header(description, schema), required: true }
}

export const SECONDS = Type.Integer()
export const CLOSE = Type.Enum(['close'])
export const NOTHING_MORE = 'Nothing more is read from this connection'
/** node:http always sends one of them. */
export const CLOSE_OR_NOT = Type.Enum(['close', 'keep-alive'])
export const NOTHING_MORE_IF_CLOSE = '`close`: nothing more is read from this connection'

const TO_PAGES = 'To a page of an origin in PIAZZA_CORS_ORIGINS'

const OF_ALL: AnswerHeaders = {
  'Cache-Control': always('No cache keeps it', Type.Enum(['no-store', 'no-store, no-transform'])),
  'X-Content-Type-Options': always('It is what its type says', Type.Enum(['nosniff'])),
  'Referrer-Policy': always('An address may have a token in it', Type.Enum(['no-referrer'])),
}

const CORS: AnswerHeaders = {
  Vary: header('Where PIAZZA_CORS_ORIGINS is set', Type.Enum(['Origin'])),
  'Access-Control-Allow-Origin': header(`${TO_PAGES}: that origin, or \`*\``),
  'Access-Control-Allow-Credentials': header(
    `${TO_PAGES}, unless any is allowed`,
    Type.Enum(['true']),
  ),
  'Access-Control-Expose-Headers': header(TO_PAGES, Type.Enum([EXPOSED_HEADERS.join(', ')])),
}

const PREFLIGHT: AnswerHeaders = {
  'Access-Control-Allow-Methods': header(TO_PAGES, Type.Enum([ALLOWED_METHODS.join(', ')])),
  'Access-Control-Allow-Headers': header(TO_PAGES, Type.Enum([ALLOWED_HEADERS.join(', ')])),
  'Access-Control-Max-Age': header(`${TO_PAGES}: seconds`, SECONDS),
}

/** What answers carry whatever the route, for `components`. */
export const COMMON_HEADERS: AnswerHeaders = { ...OF_ALL, ...CORS, ...PREFLIGHT }

/** Answered where there is no request to look at: it did not come whole, or was not taken. */
const WITHOUT_REQUEST: ReadonlySet<string> = new Set(['408', '417', '431'])

/** The names of those that an answer of this method and status may carry. */
export function commonHeaderNames(method: string, status: string): string[] {
  if (WITHOUT_REQUEST.has(status)) return Object.keys(OF_ALL)
  return Object.keys(method === 'options' ? COMMON_HEADERS : { ...OF_ALL, ...CORS })
}
