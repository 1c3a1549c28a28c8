import { withHub } from '../hub.mjs'
import { Publisher } from '../load/publisher.mjs'

/** A hub of bench/hubs/: it publishes as Piazza does, one message at a time, and keeps none. */
export function nodePeer(name, file) {
  return {
    name,
    missing: () => undefined,
    run: (use) => withHub(use, { file }),
    pathOf: (channel) => `/channels/${channel}`,
    publisher: ({ url }) => new Publisher(url),
  }
}
