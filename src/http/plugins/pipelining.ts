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

interface Subscribe {
  /** Another request came behind it. */
  isFollowed: boolean
}

/** Sockets with a subscribe that is not answered yet, or is a stream. */
const subscribes = new WeakMap<Socket, Subscribe>()

/**
 * Nothing can be answered behind a stream, so nothing is executed there (RFC 9112 §9.6): what comes in the packet of
 * the subscribe makes that a 409, what comes later is discarded with the stream's other input.
 */
export const pipelining = plugin(
  async (app: FastifyInstance) => {
    // Must run before any other hook could leave the parser's stack: the requests of one packet come in one go.
    app.addHook('onRequest', (request, reply, done) => {
      const { socket } = request.raw
      const ahead = subscribes.get(socket)
      if (ahead !== undefined) {
        ahead.isFollowed = true
        reply.hijack()
        request.raw.resume()
        return
      }
      if (request.routeOptions.config.isStream === true)
        subscribes.set(socket, { isFollowed: false })
      done()
    })
    // An ordinary answer after all: the connection goes on, unless something behind it was swallowed.
    app.addHook('onSend', async (request, reply) => {
      const { socket } = request.raw
      if (request.routeOptions.config.isStream !== true) return
      if (subscribes.get(socket)?.isFollowed === true) reply.header('connection', 'close')
      subscribes.delete(socket)
    })
  },
  { name: 'piazza-pipelining' },
)

/** Throws `PIPELINED` if this subscribe is not alone on its connection. */
export function requireAlone(request: FastifyRequest, reply: FastifyReply): void {
  const isBehind = reply.raw.socket !== request.raw.socket
  const isFollowed = subscribes.get(request.raw.socket)?.isFollowed === true
  if (!isBehind && !isFollowed) return
  throw new errors.PIPELINED(
    'a subscribe takes its whole connection: send no other request with it',
  )
}
