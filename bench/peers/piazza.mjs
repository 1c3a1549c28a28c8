import { withHub } from '../hub.mjs'
import { Publisher } from '../load/publisher.mjs'

/** As operators run it. Heartbeats are off where streams are compared byte by byte, and in nobody's deliveries. */
export const piazza = {
  name: 'piazza',
  hasBatches: true,
  hasResume: true,
  canEnd: true,
  /** Messages of a channel that not all streams have got: far beyond it, slow ones would be told of a gap. */
  window: 1200,
  missing: () => undefined,
  run: (use, { isIdle = false } = {}) =>
    withHub(use, { env: isIdle ? {} : { PIAZZA_HEARTBEAT_INTERVAL: 'off' } }),
  pathOf: (channel) => `/channels/${channel}`,
  publisher: ({ url }) => new Publisher(url),
}
