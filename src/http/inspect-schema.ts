import { Type } from 'typebox'
import { BY_HEADER, errorAnswers, jsonAnswer, TOKEN_ERRORS } from './contract.ts'

/** Entries of one page, of channels or of messages (protocol §8). */
export const MAX_PAGE_ENTRIES = 1000
export const DEFAULT_PAGE_ENTRIES = 100

const text = (description: string) => Type.Optional(Type.String({ description }))
const name = Type.String()
const limit = Type.Optional(
  Type.Integer({ minimum: 1, maximum: MAX_PAGE_ENTRIES, default: DEFAULT_PAGE_ENTRIES }),
)
const lastId = Type.Union([Type.String(), Type.Null()], {
  description: 'The id of the newest message; null: there is none',
})
const messages = Type.Integer({ description: 'Messages that are retained' })
const streams = Type.Integer({ description: 'Open streams, of this replica' })
const nameParam = Type.Object({ name: Type.String({ description: 'The name of a channel' }) })
const ERRORS = [
  'QUERY_INVALID',
  'BODY_UNEXPECTED',
  ...TOKEN_ERRORS,
  'FORBIDDEN',
  'BROKER_UNAVAILABLE',
  'KEYS_UNAVAILABLE',
] as const

const ChannelList = Type.Object({
  channels: Type.Array(Type.Object({ name, lastId, messages, streams })),
  next: Type.Union([Type.String(), Type.Null()], {
    description: 'Give it as `after` for the next page; null: there is none',
  }),
})

const History = Type.Object({
  messages: Type.Array(
    Type.Object({
      id: Type.String(),
      time: Type.String({ format: 'date-time' }),
      event: Type.String({ description: '`message` when untyped' }),
      data: Type.String({ description: 'The text that a stream carries' }),
    }),
  ),
  complete: Type.Boolean({ description: 'Nothing after the given place was dropped' }),
  more: Type.Boolean({ description: 'The limit, or 4 MiB, cut it: go on after the last id' }),
  lastId,
})

const Stats = Type.Object({
  name,
  lastId,
  messages,
  bytes: Type.Integer({ description: 'Of the retained messages, as streams carry them' }),
  streams,
  ended: Type.Boolean(),
})

export type ChannelList = Type.Static<typeof ChannelList>
export type History = Type.Static<typeof History>
export type Stats = Type.Static<typeof Stats>

/** `GET /channels` in openapi.json. */
export const LIST_SCHEMA = {
  summary: 'List channels that have messages, the most recently published first',
  security: BY_HEADER,
  querystring: Type.Object({
    match: text('Only channels of this pattern: `*` is one segment, a last `**` one or more.'),
    limit,
    after: text('`next` of the page before.'),
  }),
  response: {
    200: jsonAnswer('A page. It may be short, or empty, while `next` is given', ChannelList),
    ...errorAnswers(ERRORS),
  },
}

/** `GET /channels/:name/history` in openapi.json. */
export const HISTORY_SCHEMA = {
  summary: 'Read the retained messages of a channel, oldest first',
  security: BY_HEADER,
  params: nameParam,
  querystring: Type.Object({
    after: text('The messages after this id.'),
    since: text(
      'Used if no id is given: RFC 3339, a duration back, or `all`. Without both it is `all`.',
    ),
    limit,
  }),
  response: {
    200: jsonAnswer('The messages; none for an unknown channel', History),
    ...errorAnswers(['CHANNEL_INVALID', ...ERRORS]),
  },
}

/** `GET /channels/:name/stats` in openapi.json. */
export const STATS_SCHEMA = {
  summary: 'What is kept of a channel, and who listens',
  security: BY_HEADER,
  params: nameParam,
  response: {
    200: jsonAnswer('Zeros for an unknown channel', Stats),
    ...errorAnswers(['CHANNEL_INVALID', ...ERRORS]),
  },
}
