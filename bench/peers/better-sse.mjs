import { nodePeer } from './node-peer.mjs'

export const betterSse = nodePeer('better-sse', 'hubs/better-sse.mjs')
