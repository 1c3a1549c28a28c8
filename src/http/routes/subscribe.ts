import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import Negotiator from 'negotiator'
import { requireRight } from '../../auth/access.ts'
import { subjectOf } from '../../auth/grant.ts'
import { type Opening } from '../../broker/broker.ts'
import { errors, quote } from '../../errors.ts'
import { type Hub } from '../../hub/hub.ts'
import { type ClientAddresses } from '../client-addresses.ts'
import { answerError } from '../plugins/errors.ts'
import { requireAlone } from '../plugins/pipelining.ts'
import { Refusals, type RefusalOptions } from '../refusal.ts'
import { type Query } from '../query.ts'
import { SUBSCRIBE_SCHEMA } from '../subscribe-schema.ts'
import { readSubscription } from '../subscription.ts'

export interface SubscribeRouteOptions extends RefusalOptions {
  readonly hub: Hub
  readonly addresses: ClientAddresses
}

/**
 * So long a stream's head waits for the proof of where it begins, so that both go in one write, and an ended channel
 * can answer 204.
 */
const HEAD_DELAY_MS = 100
const STREAM_TYPE = 'text/event-stream'
/** Of every stream (protocol §3); CORS and the like are added from the reply. */
const STREAM_HEADERS = {
  'Content-Type': STREAM_TYPE,
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
  Connection: 'close',
} as const

/** Subscribing (protocol §3). */
export async function subscribeRoutes(
  app: FastifyInstance,
  options: SubscribeRouteOptions,
): Promise<void> {
  const { hub, metrics, streamLimits, addresses } = options
  const refusals = new Refusals(options)
  app.route({
    method: ['GET', 'HEAD'],
    url: '/channels/:name',
    exposeHeadRoute: false,
    config: { access: 'header-or-query', isStream: true },
    schema: SUBSCRIBE_SCHEMA,
    errorHandler: (error, request, reply) => {
      if (!(error instanceof errors.KEYS_UNAVAILABLE)) {
        answerError(metrics, error, request, reply)
        return
      }
      try {
        refusals.answer(reply, 'access') // whether its token is good is not known for now
      } catch (refusal) {
        answerError(metrics, refusal as FastifyError, request, reply)
      }
    },
    handler: async (request, reply) => {
      requireAlone(request, reply)
      const { name } = request.params as { name: string }
      const { grant } = request
      const asked = readSubscription(name, request.query as Query, request.headers)
      const { channels } = asked
      for (const channel of channels) requireRight(grant, 'subscribe', channel)
      requireStreamAccepted(request)
      const address = streamLimits.countsAddresses ? addresses.of(request) : ''
      const asker = { address, subject: subjectOf(grant) }
      const reason = refusals.reason(asker, channels)
      if (reason !== undefined) return refusals.answer(reply, reason)
      refusals.release(request.raw.socket)

      const place = streamLimits.occupy(asker, channels)
      const admission = hub.admit({ ...asked, endsAtMs: grant.endsAtMs, place })
      let opening: Opening | undefined
      try {
        opening = await firstOf(admission.opening, HEAD_DELAY_MS)
        requireAlone(request, reply) // what came in the same packet has been seen by now
      } catch (error) {
        hub.dismiss(admission)
        throw error
      }
      if (opening !== undefined && hub.isOver(admission, opening)) {
        hub.dismiss(admission)
        return reply.code(204).send()
      }
      if (request.method === 'HEAD') {
        hub.dismiss(admission)
        return reply.headers(STREAM_HEADERS).send()
      }
      reply.hijack()
      const exchange = { request: request.raw, response: reply.raw }
      hub.begin(admission, opening, exchange, streamHead(request, reply))
      return reply
    },
  })
}

const NOTHING = Promise.resolve(undefined)

/** Undefined: it takes longer than that. */
async function firstOf<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const early = await Promise.race([promise, NOTHING])
  if (early !== undefined) return early // no timer for what is here already
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Only an `Accept` that excludes streams is refused: none, and anything with a wildcard, take one. */
function requireStreamAccepted(request: FastifyRequest): void {
  const { accept } = request.headers
  if (accept === undefined || accept === '' || accept === STREAM_TYPE) return
  if (new Negotiator(request.raw).mediaTypes([STREAM_TYPE]).length > 0) return
  const message = `this route answers ${STREAM_TYPE}, which Accept: ${quote(accept)} excludes`
  throw new errors.NOT_ACCEPTABLE(message)
}

/**
 * Status line and headers. Chunked *and* `Connection: close`: without chunks, half a block after a cut is taken for
 * whole by some clients; chunked without close poisons a proxy's upstream keep-alive (measured with nginx).
 */
function streamHead(request: FastifyRequest, reply: FastifyReply): string {
  const ownHeaders = request.raw.httpVersion === '1.0' ? OWN_HEADERS : CHUNKED_HEADERS
  let head = `HTTP/1.1 200 OK\r\n${ownHeaders}Date: ${httpDate()}\r\n`
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (name !== 'cache-control') head += `${name}: ${String(value)}\r\n`
  }
  return `${head}\r\n`
}

const OWN_HEADERS = Object.entries(STREAM_HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')
const CHUNKED_HEADERS = `${OWN_HEADERS}Transfer-Encoding: chunked\r\n`

let date = { second: 0, text: '' }

/** Of the `Date` header: written once a second, as node:http does it. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== date.second) date = { second, text: new Date(second * 1000).toUTCString() }
  return date.text
}
