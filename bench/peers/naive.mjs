import { nodePeer } from './node-peer.mjs'

export const naive = nodePeer('naive', 'hubs/naive.mjs')
