import { type FastifyInstance } from 'fastify'
import { allowsAll } from '../../auth/grant.ts'
import { errors } from '../../errors.ts'
import { type Metrics } from '../../metrics.ts'

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
    handler: async ({ grant }, reply) => {
      if (!allowsAll(grant, 'inspect')) {
        const message = 'metrics take a publish key: Authorization: Bearer <key>'
        throw grant.isAnonymous ? new errors.UNAUTHORIZED(message) : new errors.FORBIDDEN(message)
      }
      return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
    },
  })
}
