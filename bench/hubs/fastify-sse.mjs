// @fastify/sse as its README has it: `keepAlive()` on the route, `reply.sse.send` to each reply that is kept. It has no
// channels and no history of its own. Data is text already (the serializer); no heartbeats while bytes are compared.
import sse from '@fastify/sse'
import Fastify from 'fastify'

const channels = new Map()

const app = Fastify()
await app.register(sse, { serializer: String, heartbeatInterval: 0 })
app.get('/channels/:name', { sse: { kind: 'only', heartbeat: false } }, async (request, reply) => {
  reply.sse.keepAlive()
  const { name } = request.params
  const replies = channels.get(name) ?? new Set()
  channels.set(name, replies)
  replies.add(reply)
  reply.sse.onClose(() => replies.delete(reply))
  reply.sse.sendHeaders()
  reply.raw.write(':\n\n')
})
const body = {
  type: 'object',
  required: ['channel', 'data'],
  properties: { channel: { type: 'string' }, data: { type: 'string' } },
}
let id = 0
const publish = async (request) => {
  id += 1
  const message = { id: String(id), data: request.body.data }
  const { channel } = request.body
  await Promise.all(Array.from(channels.get(channel) ?? [], (reply) => reply.sse.send(message)))
  return { ok: true }
}
app.post('/publish', { schema: { body }, handler: publish })
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
console.log(JSON.stringify({ msg: 'started', url: app.listeningOrigin }))
