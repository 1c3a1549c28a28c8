import { betterSse } from './better-sse.mjs'
import { centrifugo } from './centrifugo.mjs'
import { fastifySse } from './fastify-sse.mjs'
import { mercure } from './mercure.mjs'
import { naive } from './naive.mjs'
import { nchan } from './nchan.mjs'
import { piazza } from './piazza.mjs'
import { pushpin } from './pushpin.mjs'

/** In the order of the tables. */
export const PEERS = [piazza, nchan, centrifugo, mercure, pushpin, betterSse, fastifySse, naive]
