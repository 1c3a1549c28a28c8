import { Compile } from 'typebox/compile'
import { type IdempotencyKey, type PublishRequest } from '../broker/broker.ts'
import { errors, quote } from '../errors.ts'
import { toUtf8, type Utf8 } from '../sse/utf8.ts'
import { readChannelName } from './channel-names.ts'
import { EXPECTED, MAX_EVENT_BYTES, MAX_KEY_CHARACTERS, PublishItem } from './publish-schema.ts'

/** Data × channels of one request (protocol §2). */
const MAX_FAN_OUT_BYTES = 16 * 1024 * 1024

const RESERVED_EVENTS: ReadonlySet<string> = new Set(['error', 'open'])
const RESERVED_EVENT_PREFIX = 'piazza.'
const HAS_CONTROL = /[\r\n\0]/
const FIELDS = Object.keys(PublishItem.properties)

const shape = Compile(PublishItem)

/** One publication of a request, checked; what is missing are the limits of the whole request. */
export type Checked = Omit<PublishRequest, 'idempotency'> & { readonly key: string | undefined }

/** The publication a JSON item asks for. Throws what is wrong with it. */
export function readPublication(item: unknown, maxMessageBytes: number): Checked {
  if (!shape.Check(item)) throw describeShape(item)
  const { channel, channels, data, event, retry, idempotencyKey } = item
  if ((channel === undefined) === (channels === undefined)) {
    throw new errors.BODY_INVALID('give either "channel", a name, or "channels", a list of names')
  }
  const names = channels ?? [channel as string]
  return checkPublication(
    {
      channels:
        names.length === 1 ? names.map(readChannelName) : [...new Set(names.map(readChannelName))],
      event,
      retry,
      data: toUtf8(typeof data === 'string' ? data : JSON.stringify(data)),
      isEphemeral: item.ephemeral === true,
      isEnd: item.end === true,
      key: idempotencyKey,
    },
    maxMessageBytes,
  )
}

/** What both publish routes read before meaning is checked. */
export interface Unchecked {
  readonly channels: readonly string[]
  /** Undefined: untyped. */
  readonly event: string | undefined
  readonly retry: number | undefined
  readonly data: Utf8
  readonly isEphemeral: boolean
  readonly isEnd: boolean
  readonly key: string | undefined
}

/** Meaning, where the shape is right. */
export function checkPublication(unchecked: Unchecked, maxMessageBytes: number): Checked {
  const { data, isEphemeral, isEnd, key } = unchecked
  if (data.length > maxMessageBytes) {
    const message = `data has ${data.length} bytes, and a message takes ${maxMessageBytes} at the most`
    throw new errors.MESSAGE_TOO_LARGE(message)
  }
  if (isEphemeral && isEnd) {
    throw new errors.BODY_INVALID('"end" must be stored: it can\'t be "ephemeral"')
  }
  if (isEphemeral && key !== undefined) {
    const message = 'an "ephemeral" message is not stored, so an idempotency key can\'t guard it'
    throw new errors.BODY_INVALID(message)
  }
  const { channels, retry } = unchecked
  // Field by field: a spread takes as long as storing the message (measured).
  return { channels, event: readEvent(unchecked.event), retry, data, isEphemeral, isEnd, key }
}

/** The key of a publication under the scope it counts in. */
export function idempotencyOf(scope: string, key: string | undefined): IdempotencyKey | undefined {
  return key === undefined ? undefined : { scope, key }
}

/** The key of a request that carries one publication: in its body or its header. */
export function reconcileKeys(
  inBody: string | undefined,
  header: string | undefined,
): string | undefined {
  if (header === undefined) return inBody
  if (header.length < 1 || header.length > MAX_KEY_CHARACTERS) {
    const message = `header Idempotency-Key takes 1 to ${MAX_KEY_CHARACTERS} characters, not ${header.length}`
    throw new errors.IDEMPOTENCY_KEY_INVALID(message)
  }
  if (inBody !== undefined && inBody !== header) {
    const message = 'field "idempotencyKey" and header Idempotency-Key differ: send one of them'
    throw new errors.IDEMPOTENCY_KEY_INVALID(message)
  }
  return header
}

/** The memory that one request takes in the logs is bounded. */
export function requireFanOut(publications: readonly Checked[]): void {
  let bytes = 0
  for (const { data, channels } of publications) bytes += data.length * channels.length
  if (bytes <= MAX_FAN_OUT_BYTES) return
  const message = `data × channels of this request is ${bytes} bytes, and ${MAX_FAN_OUT_BYTES} are taken at the most: send it in parts`
  throw new errors.FAN_OUT_TOO_LARGE(message)
}

function readEvent(event: string | undefined): Utf8 {
  if (event === undefined) return '' as Utf8
  const encoded = toUtf8(event)
  const isReserved = RESERVED_EVENTS.has(event) || event.startsWith(RESERVED_EVENT_PREFIX)
  const isFit = encoded.length >= 1 && encoded.length <= MAX_EVENT_BYTES && !HAS_CONTROL.test(event)
  if (isFit && !isReserved) return encoded
  const right = isReserved
    ? 'error, open and names that begin with piazza. are reserved'
    : `it takes 1 to ${MAX_EVENT_BYTES} bytes without CR, LF and NUL`
  throw new errors.EVENT_INVALID(`event ${quote(event)} is not valid: ${right}`)
}

/** The first thing that is wrong with the shape, in words. */
function describeShape(item: unknown) {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return new errors.BODY_INVALID(`a publication is a JSON object, not ${quote(item)}`)
  }
  const unknownField = Object.keys(item).find((field) => !FIELDS.includes(field))
  if (unknownField !== undefined) {
    const message = `there is no field ${quote(unknownField)}; the fields are ${FIELDS.join(', ')}`
    return new errors.FIELD_UNKNOWN(message)
  }
  if (!Object.hasOwn(item, 'data')) {
    return new errors.BODY_INVALID('"data" is missing; "" and null are data')
  }
  const path = shape.Errors(item)[0]?.instancePath ?? ''
  const [, field = '', index] = path.split('/')
  const value = (item as Record<string, unknown>)[field]
  const isListItem = index !== undefined && Array.isArray(value)
  const bad = isListItem ? value[Number(index)] : value
  const expected = EXPECTED[isListItem ? 'channel' : (field as keyof PublishItem)]
  const name = isListItem ? `"${field}"[${index}]` : `"${field}"`
  return new errors.FIELD_INVALID(`${name} must be ${expected}, not ${quote(bad)}`)
}
