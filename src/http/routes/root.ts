import { type FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { VERSION } from '../../version.ts'
import { BY_NOTHING, errorAnswers, jsonAnswer } from '../contract.ts'

/** What a person who opens the hub in a browser is told. */
export async function rootRoutes(app: FastifyInstance): Promise<void> {
  const schema = {
    summary: 'What this is',
    security: BY_NOTHING,
    response: {
      200: jsonAnswer('Where to go on', Type.Object({})),
      ...errorAnswers(['BODY_UNEXPECTED']),
    },
  }
  app.get('/', { schema }, async () => ({
    name: 'piazza',
    version: VERSION,
    publish:
      'POST /publish {"channel":"news","data":"hello"}, or POST /channels/news with raw data',
    subscribe: "new EventSource('/channels/news')",
    inspect: ['/channels', '/channels/news/history', '/channels/news/stats'],
    health: ['/livez', '/readyz'],
    metrics: '/metrics',
    contract: '/openapi.json',
  }))
}
