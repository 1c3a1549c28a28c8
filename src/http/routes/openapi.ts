import swagger from '@fastify/swagger'
import { type FastifyInstance } from 'fastify'
import plugin from 'fastify-plugin'
import { Type } from 'typebox'
import { VERSION } from '../../version.ts'
import { BY_NOTHING, errorAnswers, jsonAnswer, SECURITY_SCHEMES } from '../contract.ts'
import { completeDocument, type OpenapiDocument } from '../openapi-document.ts'

/** `GET /openapi.json`: the contract, from the schemas of the routes. Registered before them. */
export const openapiRoute = plugin(
  async (app: FastifyInstance) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Piazza',
          version: VERSION,
          license: { name: 'MIT', identifier: 'MIT' },
          description: 'A pub/sub broadcast hub for server-sent events.',
        },
        components: { securitySchemes: SECURITY_SCHEMES },
      },
      exposeHeadRoutes: true,
      convertConstToEnum: false,
      transformObject: (given) =>
        'openapiObject' in given
          ? completeDocument(given.openapiObject as OpenapiDocument)
          : given.swaggerObject,
    })
    app.route({
      method: 'GET',
      url: '/openapi.json',
      schema: {
        summary: 'This document',
        security: BY_NOTHING,
        response: {
          200: jsonAnswer('OpenAPI 3.1', Type.Object({})),
          ...errorAnswers(['BODY_UNEXPECTED']),
        },
      },
      handler: async () => app.swagger(),
    })
  },
  { name: 'piazza-openapi' },
)
