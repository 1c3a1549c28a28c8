import { type FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { type Broker } from '../../broker/broker.ts'
import { type Hub } from '../../hub/hub.ts'
import { BY_NOTHING, errorAnswers, jsonAnswer } from '../contract.ts'

export interface ReadyzRouteOptions {
  readonly hub: Hub
  readonly broker: Broker
}

const Health = Type.Object({
  status: Type.Enum(['ok', 'unavailable']),
  checks: Type.Record(Type.String(), Type.String()),
})

/** `statuses`: those of a probe that fails. */
function schemaOf(summary: string, ...statuses: readonly number[]) {
  const failing = statuses.map((status) => [status, jsonAnswer('Not now', Health)])
  return {
    summary,
    security: BY_NOTHING,
    response: {
      200: jsonAnswer('It does', Health),
      ...errorAnswers(['BODY_UNEXPECTED']),
      ...Object.fromEntries(failing),
    },
  }
}

/** Liveness (protocol §8). */
export async function livezRoute(app: FastifyInstance): Promise<void> {
  // A process that answers is alive; a broker that is away is no reason to restart it.
  app.get('/livez', { schema: schemaOf('Whether the process answers') }, async () => ({
    status: 'ok',
    checks: { process: 'ok' },
  }))
}

/** Readiness (protocol §8). */
export async function readyzRoute(
  app: FastifyInstance,
  { hub, broker }: ReadyzRouteOptions,
): Promise<void> {
  app.get(
    '/readyz',
    { schema: schemaOf('Whether it wants streams', 503) },
    async (_request, reply) => {
      const checks = {
        broker: broker.isReady ? (broker.isConnected ? 'ok' : 'degraded') : 'not reached yet',
        draining: hub.isDraining ? 'draining' : 'ok',
      }
      const isReady = broker.isReady && !hub.isDraining
      return reply
        .code(isReady ? 200 : 503)
        .send({ status: isReady ? 'ok' : 'unavailable', checks })
    },
  )
}
