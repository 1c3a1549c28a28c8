// What a publish can't cost less than with Fastify as its documents have it: the route of Piazza with Piazza's schema,
// by which Fastify validates the body and writes the answer; and nothing else.
import Fastify from 'fastify'
import { JSON_PUBLISH_SCHEMA } from '../../dist/http/publish-schema.js'

const { headers, body, response } = JSON_PUBLISH_SCHEMA
const app = Fastify()
let id = 0
app.post('/publish', {
  schema: { headers, body, response: { 201: response[201] } },
  handler: async (request, reply) => {
    id += 1
    reply.code(201)
    return { id: String(id), channels: [request.body.channel] }
  },
})
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
console.log(JSON.stringify({ msg: 'started', url: app.listeningOrigin }))
