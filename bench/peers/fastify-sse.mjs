import { nodePeer } from './node-peer.mjs'

export const fastifySse = nodePeer('@fastify/sse', 'hubs/fastify-sse.mjs')
