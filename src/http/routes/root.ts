import { type FastifyInstance } from 'fastify'
import { VERSION } from '../../version.ts'

/** What a person who opens the hub in a browser is told. */
export async function rootRoutes(app: FastifyInstance): Promise<void> {
  app.get('/', async () => ({
    name: 'piazza',
    version: VERSION,
    publish:
      'POST /publish {"channel":"news","data":"hello"}, or POST /channels/news with raw data',
    subscribe: "new EventSource('/channels/news')",
    health: ['/livez', '/readyz'],
    metrics: '/metrics',
  }))
}
