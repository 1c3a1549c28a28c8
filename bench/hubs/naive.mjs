// What most people write, done well: Fastify, one Buffer per message, one `res.write` per stream. No log, no resume.
import Fastify from 'fastify'

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}
const channels = new Map()
let id = 0

const app = Fastify()
app.get('/channels/:name', (request, reply) => {
  reply.hijack()
  reply.raw.writeHead(200, HEAD)
  reply.raw.write(':\n\n')
  const { name } = request.params
  const streams = channels.get(name) ?? new Set()
  channels.set(name, streams)
  streams.add(reply.raw)
  reply.raw.on('close', () => streams.delete(reply.raw))
})
const item = {
  type: 'object',
  required: ['channel', 'data'],
  properties: { channel: { type: 'string' }, data: { type: 'string' } },
}
app.post('/publish', {
  schema: {
    body: item,
    response: { 200: { type: 'object', properties: { id: { type: 'string' } } } },
  },
  handler: async ({ body }) => {
    id += 1
    const frame = Buffer.from(`data: ${body.data}\nid: ${id}\n\n`)
    for (const stream of channels.get(body.channel) ?? []) stream.write(frame)
    return { id: String(id) }
  },
})
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
console.log(JSON.stringify({ msg: 'started', url: app.listeningOrigin }))
