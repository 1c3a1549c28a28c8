import { Type } from 'typebox'
import { BY_HEADER, errorAnswers, jsonAnswer, QUOTA_HEADERS, TOKEN_ERRORS } from './contract.ts'

/** Items of a batch (protocol §2). */
export const MAX_BATCH_ITEMS = 1000
const MAX_PUBLISHED_CHANNELS = 100
export const MAX_EVENT_BYTES = 100
export const MAX_KEY_CHARACTERS = 200
export const MIN_RETRY_MS = 100
export const MAX_RETRY_MS = 2 ** 31 - 1

/** What each field must be: in the schema's descriptions, and in errors. */
export const EXPECTED = {
  channel: 'a string: the name of a channel',
  channels: `a list of 1 to ${MAX_PUBLISHED_CHANNELS} channel names`,
  data: 'any JSON; a string is sent as it is',
  event: `a string of 1 to ${MAX_EVENT_BYTES} bytes: the SSE event type`,
  retry: `a whole number from ${MIN_RETRY_MS} to ${MAX_RETRY_MS}: the SSE reconnection time in ms`,
  idempotencyKey: `a string of 1 to ${MAX_KEY_CHARACTERS} characters`,
  ephemeral: 'true or false: whether it is sent without being stored',
  end: 'true or false: whether it is the last message of its channels',
} as const

export const PublishItem = Type.Object(
  {
    channel: Type.Optional(Type.String({ description: EXPECTED.channel })),
    channels: Type.Optional(
      Type.Array(Type.String({ description: EXPECTED.channel }), {
        minItems: 1,
        maxItems: MAX_PUBLISHED_CHANNELS,
        description: EXPECTED.channels,
      }),
    ),
    data: Type.Unknown({ description: EXPECTED.data }),
    event: Type.Optional(Type.String({ description: EXPECTED.event })),
    retry: Type.Optional(
      Type.Integer({ minimum: MIN_RETRY_MS, maximum: MAX_RETRY_MS, description: EXPECTED.retry }),
    ),
    idempotencyKey: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: MAX_KEY_CHARACTERS,
        description: EXPECTED.idempotencyKey,
      }),
    ),
    ephemeral: Type.Optional(Type.Boolean({ description: EXPECTED.ephemeral })),
    end: Type.Optional(Type.Boolean({ description: EXPECTED.end })),
  },
  { additionalProperties: false },
)

export type PublishItem = Type.Static<typeof PublishItem>

/** As openapi.json has it: what `readPublication` checks by itself, in better words. */
const ToldItem = Type.Unsafe<PublishItem>({
  ...PublishItem,
  oneOf: [{ required: ['channel'] }, { required: ['channels'] }],
})

const PublishBody = Type.Union([
  ToldItem,
  Type.Array(ToldItem, { minItems: 1, maxItems: MAX_BATCH_ITEMS }),
])

const id = Type.String({ description: 'The position of the message, and its SSE `id`' })
const channels = Type.Array(Type.String())
const Stored = Type.Object({ id, channels })
const Repeated = Type.Object({ id, channels, duplicate: Type.Literal(true) })
const Ephemeral = Type.Object({ channels })
const Failed = Type.Object({
  error: Type.Object({
    statusCode: Type.Integer(),
    code: Type.String(),
    message: Type.String(),
  }),
})

/** The answer to one publication, or its place in the answer to a batch. */
export type PublishAnswer =
  | Type.Static<typeof Stored>
  | Type.Static<typeof Repeated>
  | Type.Static<typeof Ephemeral>
  | Type.Static<typeof Failed>

const Results = Type.Object({
  results: Type.Array(Type.Union([Stored, Repeated, Ephemeral, Failed])),
})

const key = Type.Object({
  'Idempotency-Key': Type.Optional(Type.String({ description: EXPECTED.idempotencyKey })),
})

/** Of both publish routes. */
const ERRORS = [
  'UTF8_INVALID',
  'FIELD_UNKNOWN',
  'FIELD_INVALID',
  'EVENT_INVALID',
  'CHANNEL_INVALID',
  'BODY_INVALID',
  'IDEMPOTENCY_KEY_INVALID',
  ...TOKEN_ERRORS,
  'FORBIDDEN',
  'ORIGIN_FORBIDDEN',
  'CHANNEL_ENDED',
  'CHANNEL_DELETED',
  'MESSAGE_TOO_LARGE',
  'BODY_TOO_LARGE',
  'IDEMPOTENCY_KEY_REUSED',
  'PUBLISH_RATE_EXCEEDED',
  'PUBLISH_BYTE_RATE_EXCEEDED',
  'BROKER_UNAVAILABLE',
  'KEYS_UNAVAILABLE',
] as const

/** `POST /publish` in openapi.json. */
export const JSON_PUBLISH_SCHEMA = {
  summary: 'Publish one message, or a batch of them',
  security: BY_HEADER,
  headers: key,
  body: { content: { 'application/json': { schema: PublishBody } } },
  response: {
    200: jsonAnswer('Stored before under this idempotency key', Repeated, QUOTA_HEADERS),
    201: jsonAnswer('Stored. For a batch: all of it', Type.Union([Stored, Results]), QUOTA_HEADERS),
    202: jsonAnswer('Sent, and not stored', Ephemeral, QUOTA_HEADERS),
    ...errorAnswers(
      [
        'JSON_INVALID',
        'JSON_TOO_DEEP',
        'NUMBER_INEXACT',
        'FAN_OUT_TOO_LARGE',
        'MEDIA_TYPE',
        ...ERRORS,
      ],
      { bodies: { 409: Results, 422: Results, 503: Results } },
    ),
  },
}

/** `POST /channels/:name` in openapi.json. */
export const RAW_PUBLISH_SCHEMA = {
  summary: 'Publish the body, byte for byte, as one message',
  security: BY_HEADER,
  headers: key,
  params: Type.Object({ name: Type.String({ description: EXPECTED.channel }) }),
  querystring: Type.Object({
    event: PublishItem.properties.event,
    retry: PublishItem.properties.retry,
    ephemeral: PublishItem.properties.ephemeral,
    end: PublishItem.properties.end,
  }),
  body: { content: { '*/*': { schema: Type.String({ description: 'UTF-8, of any type' }) } } },
  response: {
    200: jsonAnswer('Stored before under this idempotency key', Repeated, QUOTA_HEADERS),
    201: jsonAnswer('Stored', Stored, QUOTA_HEADERS),
    202: jsonAnswer('Sent, and not stored', Ephemeral, QUOTA_HEADERS),
    ...errorAnswers(['QUERY_INVALID', ...ERRORS]),
  },
}
