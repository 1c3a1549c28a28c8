import { type FastifyInstance } from 'fastify'
import { requireRightEverywhere } from '../../auth/access.ts'
import { type Metrics } from '../../metrics.ts'
import { BY_HEADER, errorAnswers, textAnswer, TOKEN_ERRORS } from '../contract.ts'

export interface MetricsRouteOptions {
  readonly metrics: Metrics
}

/** `GET /metrics` for Prometheus (protocol §12). */
export async function metricsRoutes(
  app: FastifyInstance,
  { metrics }: MetricsRouteOptions,
): Promise<void> {
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { access: 'header' },
    schema: {
      summary: 'Metrics for Prometheus',
      security: BY_HEADER,
      response: {
        200: textAnswer('Prometheus text', 'text/plain'),
        ...errorAnswers(['BODY_UNEXPECTED', ...TOKEN_ERRORS, 'FORBIDDEN', 'KEYS_UNAVAILABLE']),
      },
    },
    handler: async ({ grant }, reply) => {
      requireRightEverywhere(grant, 'inspect')
      return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
    },
  })
}
