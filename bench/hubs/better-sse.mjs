// better-sse as its guide for channels has it: a session for each request, registered with a channel, `broadcast` for
// each message. Data is text already (the serializer); no pings while bytes are compared.
import { createChannel, createSession } from 'better-sse'
import Fastify from 'fastify'

const channels = new Map()

function channelOf(name) {
  let channel = channels.get(name)
  if (channel === undefined) {
    channel = createChannel()
    channels.set(name, channel)
  }
  return channel
}

const app = Fastify()
app.get('/channels/:name', async (request, reply) => {
  reply.hijack()
  const options = { serializer: String, keepAlive: null }
  channelOf(request.params.name).register(await createSession(request.raw, reply.raw, options))
})
const body = {
  type: 'object',
  required: ['channel', 'data'],
  properties: { channel: { type: 'string' }, data: { type: 'string' } },
}
app.post('/publish', { schema: { body } }, (request, reply) => {
  channelOf(request.body.channel).broadcast(request.body.data, 'message')
  reply.send({ ok: true })
})
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
console.log(JSON.stringify({ msg: 'started', url: app.listeningOrigin }))
