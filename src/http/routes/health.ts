import { type FastifyInstance } from 'fastify'
import { type Broker } from '../../broker/broker.ts'
import { type Hub } from '../../hub/hub.ts'

export interface HealthRouteOptions {
  readonly hub: Hub
  readonly broker: Broker
}

/** Probes (protocol §8). */
export async function healthRoutes(
  app: FastifyInstance,
  { hub, broker }: HealthRouteOptions,
): Promise<void> {
  // A process that answers is alive; a broker that is away is no reason to restart it.
  app.get('/livez', async () => ({ status: 'ok', checks: { process: 'ok' } }))

  app.get('/readyz', async (_request, reply) => {
    const checks = {
      broker: broker.isReady ? 'ok' : 'not reached yet',
      draining: hub.isDraining ? 'draining' : 'ok',
    }
    const isReady = broker.isReady && !hub.isDraining
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ok' : 'unavailable', checks })
  })
}
