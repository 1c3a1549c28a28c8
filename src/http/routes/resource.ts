import { type FastifyInstance, type HTTPMethods } from 'fastify'
import { errors } from '../../errors.ts'
import { always } from '../answer-headers.ts'
import { BY_NOTHING, emptyAnswer, plainErrorAnswers } from '../contract.ts'

const OPTIONS_SCHEMA = {
  summary: 'Which methods there are; and a preflight, without a token',
  security: BY_NOTHING,
  response: {
    204: emptyAnswer('They are in `Allow`', { Allow: always('The methods of this address') }),
    ...plainErrorAnswers([]),
  },
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The resource has no such method: whatever else is wrong with the request, that is the answer. */
    isRefused?: boolean
  }
}

/** Answers OPTIONS, and 405 with `Allow` to all methods that a resource does not have. */
export function refuseOtherMethods(
  app: FastifyInstance,
  url: string,
  methods: readonly HTTPMethods[],
): void {
  const allow = [...methods, 'OPTIONS'].join(', ')
  app.route({
    method: 'OPTIONS',
    url,
    schema: OPTIONS_SCHEMA,
    // Before the body is read, whatever its type: it means nothing here.
    onRequest: async (_request, reply) =>
      reply.header('allow', allow).header('content-length', '0').code(204).send(),
    handler: async () => {},
  })
  app.route({
    method: app.supportedMethods.filter(
      (method) => method !== 'OPTIONS' && !methods.includes(method),
    ),
    url,
    config: { isRefused: true },
    schema: { hide: true },
    // Before the body is read, whatever its type.
    onRequest: async (request, reply) => {
      reply.header('allow', allow)
      throw new errors.METHOD_NOT_ALLOWED(`${request.method} is not allowed here; ${allow} are`)
    },
    handler: async () => {},
  })
}
