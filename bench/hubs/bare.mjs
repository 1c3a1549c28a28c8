// What a publish can't cost less than with Fastify: a route whose body it parses and validates by a schema, and a small answer.
import Fastify from 'fastify'

const app = Fastify()
const item = {
  type: 'object',
  required: ['channel', 'data'],
  additionalProperties: false,
  properties: { channel: { type: 'string' }, data: { type: 'string' } },
}
let id = 0
app.post('/publish', {
  schema: {
    body: item,
    response: { 201: { type: 'object', properties: { id: { type: 'string' } } } },
  },
  handler: async (_request, reply) => {
    id += 1
    reply.code(201)
    return { id: String(id) }
  },
})
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
console.log(JSON.stringify({ msg: 'started', url: app.listeningOrigin }))
