import { Type } from 'typebox'

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

export const PublishBody = Type.Union([
  PublishItem,
  Type.Array(PublishItem, { minItems: 1, maxItems: MAX_BATCH_ITEMS }),
])

const PublishError = Type.Object({
  statusCode: Type.Integer(),
  code: Type.String(),
  message: Type.String(),
})

/** The answer to one publication, or its place in the answer to a batch. */
const PublishAnswer = Type.Object({
  id: Type.Optional(Type.String()),
  channels: Type.Optional(Type.Array(Type.String())),
  duplicate: Type.Optional(Type.Boolean()),
  error: Type.Optional(PublishError),
})

export type PublishAnswer = Type.Static<typeof PublishAnswer>

/** Schemas of what a publish answers, by status. */
export const PUBLISH_RESPONSES = {
  '2xx': Type.Object({
    ...PublishAnswer.properties,
    results: Type.Optional(Type.Array(PublishAnswer)),
  }),
}
