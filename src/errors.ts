import createError from '@fastify/error'

/**
 * Every coded error of the HTTP interface (protocol §9). `docs/errors.md` has a row for each, held by a test.
 * `%s` takes the message: what was wrong, which value, and what would be right.
 */
export const errors = {
  // 400: the request can't be understood
  CHANNEL_INVALID: createError('PIAZZA_ERR_CHANNEL_INVALID', '%s', 400),
  PATTERN_UNSUPPORTED: createError('PIAZZA_ERR_PATTERN_UNSUPPORTED', '%s', 400),
  TOO_MANY_CHANNELS: createError('PIAZZA_ERR_TOO_MANY_CHANNELS', '%s', 400),
  BODY_INVALID: createError('PIAZZA_ERR_BODY_INVALID', '%s', 400),
  BODY_UNEXPECTED: createError('PIAZZA_ERR_BODY_UNEXPECTED', '%s', 400),
  JSON_INVALID: createError('PIAZZA_ERR_JSON_INVALID', '%s', 400),
  JSON_TOO_DEEP: createError('PIAZZA_ERR_JSON_TOO_DEEP', '%s', 400),
  NUMBER_INEXACT: createError('PIAZZA_ERR_NUMBER_INEXACT', '%s', 400),
  UTF8_INVALID: createError('PIAZZA_ERR_UTF8_INVALID', '%s', 400),
  FIELD_UNKNOWN: createError('PIAZZA_ERR_FIELD_UNKNOWN', '%s', 400),
  FIELD_INVALID: createError('PIAZZA_ERR_FIELD_INVALID', '%s', 400),
  EVENT_INVALID: createError('PIAZZA_ERR_EVENT_INVALID', '%s', 400),
  QUERY_INVALID: createError('PIAZZA_ERR_QUERY_INVALID', '%s', 400),
  IDEMPOTENCY_KEY_INVALID: createError('PIAZZA_ERR_IDEMPOTENCY_KEY_INVALID', '%s', 400),
  REQUEST_INVALID: createError('PIAZZA_ERR_REQUEST_INVALID', '%s', 400),
  // 401, 403: access
  UNAUTHORIZED: createError('PIAZZA_ERR_UNAUTHORIZED', '%s', 401),
  TOKEN_EXPIRED: createError('PIAZZA_ERR_TOKEN_EXPIRED', '%s', 401),
  TOKEN_CLAIMS_INVALID: createError('PIAZZA_ERR_TOKEN_CLAIMS_INVALID', '%s', 401),
  FORBIDDEN: createError('PIAZZA_ERR_FORBIDDEN', '%s', 403),
  HOST_FORBIDDEN: createError('PIAZZA_ERR_HOST_FORBIDDEN', '%s', 403),
  ORIGIN_FORBIDDEN: createError('PIAZZA_ERR_ORIGIN_FORBIDDEN', '%s', 403),
  // 404-409: the resource
  NOT_FOUND: createError('PIAZZA_ERR_NOT_FOUND', '%s', 404),
  METHOD_NOT_ALLOWED: createError('PIAZZA_ERR_METHOD_NOT_ALLOWED', '%s', 405),
  NOT_ACCEPTABLE: createError('PIAZZA_ERR_NOT_ACCEPTABLE', '%s', 406),
  REQUEST_TIMEOUT: createError('PIAZZA_ERR_REQUEST_TIMEOUT', '%s', 408),
  CHANNEL_ENDED: createError('PIAZZA_ERR_CHANNEL_ENDED', '%s', 409),
  CHANNEL_DELETED: createError('PIAZZA_ERR_CHANNEL_DELETED', '%s', 409),
  PIPELINED: createError('PIAZZA_ERR_PIPELINED', '%s', 409),
  // 413-431: size, content and rate
  MESSAGE_TOO_LARGE: createError('PIAZZA_ERR_MESSAGE_TOO_LARGE', '%s', 413),
  BODY_TOO_LARGE: createError('PIAZZA_ERR_BODY_TOO_LARGE', '%s', 413),
  FAN_OUT_TOO_LARGE: createError('PIAZZA_ERR_FAN_OUT_TOO_LARGE', '%s', 413),
  URL_TOO_LONG: createError('PIAZZA_ERR_URL_TOO_LONG', '%s', 414),
  MEDIA_TYPE: createError('PIAZZA_ERR_MEDIA_TYPE', '%s', 415),
  EXPECTATION_FAILED: createError('PIAZZA_ERR_EXPECTATION_FAILED', '%s', 417),
  IDEMPOTENCY_KEY_REUSED: createError('PIAZZA_ERR_IDEMPOTENCY_KEY_REUSED', '%s', 422),
  PUBLISH_RATE_EXCEEDED: createError('PIAZZA_ERR_PUBLISH_RATE_EXCEEDED', '%s', 429),
  PUBLISH_BYTE_RATE_EXCEEDED: createError('PIAZZA_ERR_PUBLISH_BYTE_RATE_EXCEEDED', '%s', 429),
  HEADERS_TOO_LARGE: createError('PIAZZA_ERR_HEADERS_TOO_LARGE', '%s', 431),
  // 5xx: the hub
  INTERNAL: createError('PIAZZA_ERR_INTERNAL', '%s', 500),
  BROKER_UNAVAILABLE: createError('PIAZZA_ERR_BROKER_UNAVAILABLE', '%s', 503),
  KEYS_UNAVAILABLE: createError('PIAZZA_ERR_KEYS_UNAVAILABLE', '%s', 503),
  UNAVAILABLE: createError('PIAZZA_ERR_UNAVAILABLE', '%s', 503),
} as const

/** Each is listed above under its own name, held by a test. */
export const ERROR_CODES: readonly string[] = Object.keys(errors).map(
  (name) => `PIAZZA_ERR_${name}`,
)

/** An error that any of the constructors above makes. */
export type CodedError = InstanceType<(typeof errors)[keyof typeof errors]> & { statusCode: number }

/** Longest excerpt of a bad value that a message quotes, characters. */
const EXCERPT_CHARACTERS = 60

/** A bad value as error messages quote it: as JSON, shortened. */
export function quote(value: unknown): string {
  // JSON of a huge value is never built: strings are cut first, and of a structure only the kind is told
  if (typeof value === 'string') {
    const cut = value.length > EXCERPT_CHARACTERS
    return cut ? `${JSON.stringify(value.slice(0, EXCERPT_CHARACTERS))}…` : JSON.stringify(value)
  }
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}
