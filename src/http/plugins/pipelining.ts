import { type ServerResponse } from 'node:http'
import { type Socket } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { errors } from '../../errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer is a stream that ends with its connection. */
    isStream?: boolean
  }
}

/** The last request of a connection. */
interface Latest {
  /** Undefined: a subscribe that is not answered yet, or is a stream, which must not keep this alive. */
  response: ServerResponse | undefined
  /** Something came behind it that is not executed. */
  isFollowed: boolean
}

const latest = new WeakMap<Socket, Latest>()

/**
 * Nothing can be answered behind a stream, so nothing is executed there (RFC 9112 §9.6): what comes in the packet of
 * the subscribe makes that a 409, what comes later is discarded with the stream's other input.
 */
export const pipelining = plugin(
  async (app: FastifyInstance) => {
    // Must run before any other hook could leave the parser's stack: the requests of one packet come in one go.
    app.addHook('onRequest', (request, reply, done) => {
      const { socket } = request.raw
      const ahead = latest.get(socket)
      if (ahead !== undefined && ahead.response === undefined) {
        ahead.isFollowed = true
        reply.hijack()
        request.raw.resume()
        return
      }
      const response = isSubscribe(request) ? undefined : reply.raw
      if (ahead === undefined) latest.set(socket, { response, isFollowed: false })
      else {
        ahead.response = response
        ahead.isFollowed = false
      }
      done()
    })
    // An ordinary answer after all: the connection goes on, unless something behind it was swallowed.
    app.addHook('onSend', (request, reply, payload, done) => {
      if (isSubscribe(request)) {
        const { socket } = request.raw
        const isFollowed = latest.get(socket)?.isFollowed === true
        if (isFollowed) reply.header('connection', 'close')
        latest.set(socket, { response: reply.raw, isFollowed })
      }
      done(null, payload)
    })
  },
  { name: 'piazza-pipelining' },
)

/** Fastify makes the options of a route anew whenever they are read: that is dear, so publishes don't. */
function isSubscribe(request: FastifyRequest): boolean {
  return request.method !== 'POST' && request.routeOptions.config.isStream === true
}

/** Throws `PIPELINED` if this subscribe is not alone on its connection. */
export function requireAlone(request: FastifyRequest, reply: FastifyReply): void {
  const isBehind = reply.raw.socket !== request.raw.socket
  const isFollowed = latest.get(request.raw.socket)?.isFollowed === true
  if (!isBehind && !isFollowed) return
  throw new errors.PIPELINED(
    'a subscribe takes its whole connection: send no other request with it',
  )
}

/**
 * Answers bytes that are no request behind the answers to what came before, for one of which this would be taken.
 * Behind a subscribe they have no answer.
 */
export function answerInTurn(socket: Socket, answer: () => void): void {
  const last = latest.get(socket) ?? { response: undefined, isFollowed: false }
  const { response, isFollowed } = last
  last.isFollowed = true
  if (isFollowed || (response === undefined && latest.has(socket))) return
  const isBroken = response?.req.complete === false // by its own body
  if (response === undefined || response.writableFinished) answer()
  else if (!isBroken) response.once('finish', answer)
  else if (response.socket === null) socket.destroy() // others are not answered yet
  else answer()
}
