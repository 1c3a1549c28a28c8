import { Type } from 'typebox'
import { REFUSAL_REASONS } from '../metrics.ts'
import { always, CLOSE_OR_NOT, header, SECONDS } from './answer-headers.ts'
import {
  BY_HEADER_OR_QUERY,
  emptyAnswer,
  errorAnswers,
  textAnswer,
  TOKEN_ERRORS,
} from './contract.ts'
import { REFUSED_IDLE_SECONDS } from './refusal.ts'

/** Newest messages of each channel that `last` may ask for (protocol §3). */
export const MAX_NEWEST = 1000
export const MIN_PING_SECONDS = 5
export const MAX_PING_SECONDS = 300

const text = (description: string) => Type.Optional(Type.String({ description }))

const REASONS = Type.Enum([...REFUSAL_REASONS])
const WHY_REFUSED = 'Why no stream can be opened now'

const KEEP_ALIVE = header(
  'Of a refusal: for so long its connection is kept for the next request',
  Type.Enum([`timeout=${REFUSED_IDLE_SECONDS}`]),
)

const STREAM_ANSWER = textAnswer(
  'A stream of messages that does not end by itself. With `Piazza-Refused` it is a refusal for now, of an ordinary ' +
    'length: come back after its `retry:`.',
  'text/event-stream',
  {
    Connection: header(
      '`close` of a stream, which ends with its connection. Of a refusal: what becomes of its connection',
      CLOSE_OR_NOT,
    ),
    'Keep-Alive': KEEP_ALIVE,
    'X-Accel-Buffering': header('Of a stream: asks a proxy not to buffer', Type.Enum(['no'])),
    'Piazza-Refused': header(WHY_REFUSED, REASONS),
    'Retry-After': header('Seconds; with `Piazza-Refused`', SECONDS),
  },
)

/** `GET /channels/:names` in openapi.json. */
export const SUBSCRIBE_SCHEMA = {
  summary: 'Subscribe: follow 1 to 64 channels as server-sent events',
  security: BY_HEADER_OR_QUERY,
  params: Type.Object({
    name: Type.String({ description: '1 to 64 channel names with commas between them' }),
  }),
  querystring: Type.Object({
    lastEventId: text('Resume after this id. A header `Last-Event-ID` that is not empty wins.'),
    last_event_id: text('The same.'),
    since: text(
      'Used if no id is given: from this moment on. RFC 3339, a duration back (`90s`, `10m`, `2h`), or `all`.',
    ),
    last: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_NEWEST,
        description: 'Used if no id is given: the newest n messages of each channel first.',
      }),
    ),
    events: text('Comma list: only these event types; `message` means without type.'),
    ping: Type.Optional(
      Type.Integer({
        minimum: MIN_PING_SECONDS,
        maximum: MAX_PING_SECONDS,
        description: 'Seconds between events `piazza.ping`.',
      }),
    ),
    envelope: Type.Optional(
      Type.Enum(['0', '1'], {
        description: '`1`: the data of each message is `{"channel","id","event","data"}`.',
      }),
    ),
    control: Type.Optional(
      Type.Enum(['on', 'off'], {
        description:
          '`off`: no `piazza.open` and no `piazza.position`. An early cut can miss messages.',
      }),
    ),
    padding: Type.Optional(
      Type.Enum(['0', '1'], {
        description: '`1`: 2 KiB of comment first, for proxies that buffer.',
      }),
    ),
  }),
  headers: Type.Object({
    'Last-Event-ID': text('Resume after this id: an EventSource sends it by itself.'),
    Accept: text('Anything that takes `text/event-stream`.'),
  }),
  response: {
    200: STREAM_ANSWER,
    204: emptyAnswer('All channels have ended, and everything was sent: an EventSource stops.'),
    ...errorAnswers(
      [
        'CHANNEL_INVALID',
        'PATTERN_UNSUPPORTED',
        'TOO_MANY_CHANNELS',
        'QUERY_INVALID',
        'BODY_UNEXPECTED',
        ...TOKEN_ERRORS,
        'FORBIDDEN',
        'NOT_ACCEPTABLE',
        'PIPELINED',
        'UNAVAILABLE',
      ],
      {
        headers: {
          409: { Connection: header('`close`: the other request was not executed', CLOSE_OR_NOT) },
          503: {
            'Piazza-Refused': always(WHY_REFUSED, REASONS),
            Connection: header('What becomes of this connection', CLOSE_OR_NOT),
            'Keep-Alive': KEEP_ALIVE,
          },
        },
      },
    ),
  },
}
