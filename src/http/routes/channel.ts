import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { requireRight } from '../../auth/access.ts'
import { type Broker } from '../../broker/broker.ts'
import { readChannelName } from '../channel-names.ts'
import { BY_HEADER, emptyAnswer, errorAnswers, QUOTA_HEADERS, TOKEN_ERRORS } from '../contract.ts'
import { limitPublishing, type PublishQuotaOptions } from '../publish-quota.ts'
import { requireOwnOrigin } from '../plugins/origin-guard.ts'

export interface ChannelRouteOptions extends PublishQuotaOptions {
  readonly broker: Broker
  readonly corsOrigins: readonly string[]
}

/** Dropping a channel's log and ending it (protocol §5). */
export async function channelRoutes(
  app: FastifyInstance,
  options: ChannelRouteOptions,
): Promise<void> {
  const { broker, corsOrigins } = options
  app.addHook('onRequest', (request, _reply, done) => {
    requireRight(request.grant, 'publish', readName(request))
    if (request.isAmbient) requireOwnOrigin(request.headers, corsOrigins)
    done()
  })
  limitPublishing(app, options)
  // A body means nothing to a DELETE (RFC 9110 §9.3.5): whatever it is, it is not looked at.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async () => undefined)
  app.addHook('onRequest', async ({ raw }) => {
    delete raw.headers['content-type'] // one that is none would be refused
  })
  app.route({
    method: 'DELETE',
    url: '/channels/:name',
    config: { access: 'header' },
    schema: {
      summary: 'Delete: drop the log of a channel and end it for its streams',
      security: BY_HEADER,
      params: Type.Object({ name: Type.String({ description: 'The name of a channel' }) }),
      response: {
        204: emptyAnswer(
          'It is gone, whether it existed or not. Its name is free after 60 s.',
          QUOTA_HEADERS,
        ),
        ...errorAnswers([
          'CHANNEL_INVALID',
          ...TOKEN_ERRORS,
          'FORBIDDEN',
          'ORIGIN_FORBIDDEN',
          'PUBLISH_RATE_EXCEEDED',
          'PUBLISH_BYTE_RATE_EXCEEDED',
          'BROKER_UNAVAILABLE',
          'KEYS_UNAVAILABLE',
        ]),
      },
    },
    handler: async (request, reply) => {
      await broker.delete(readName(request))
      return reply.code(204).send()
    },
  })
}

function readName({ params }: FastifyRequest): string {
  return readChannelName((params as { name: string }).name)
}
