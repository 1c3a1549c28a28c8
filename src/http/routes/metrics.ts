import { type FastifyInstance } from 'fastify'
import { requireRightEverywhere } from '../../auth/access.ts'
import { type Metrics } from '../../metrics.ts'
import { BY_HEADER, BY_NOTHING, errorAnswers, textAnswer, TOKEN_ERRORS } from '../contract.ts'

export interface MetricsRouteOptions {
  readonly metrics: Metrics
  /** Whoever reaches the port may read them. */
  readonly isOpen: boolean
}

const ACCESS_ERRORS = [...TOKEN_ERRORS, 'FORBIDDEN', 'KEYS_UNAVAILABLE'] as const

/** `GET /metrics` for Prometheus (protocol §12). */
export async function metricsRoutes(
  app: FastifyInstance,
  { metrics, isOpen }: MetricsRouteOptions,
): Promise<void> {
  app.route({
    method: 'GET',
    url: '/metrics',
    config: isOpen ? {} : { access: 'header' },
    schema: {
      summary: 'Metrics for Prometheus',
      security: isOpen ? BY_NOTHING : BY_HEADER,
      response: {
        200: textAnswer('Prometheus text', 'text/plain'),
        ...errorAnswers(['BODY_UNEXPECTED', ...(isOpen ? [] : ACCESS_ERRORS)]),
      },
    },
    handler: async ({ grant }, reply) => {
      if (!isOpen) requireRightEverywhere(grant, 'inspect')
      return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
    },
  })
}
