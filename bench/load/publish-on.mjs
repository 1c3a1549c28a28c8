const LOOK_EVERY_MS = 2

/**
 * Publishes what `next()` gives, with so many unanswered at any time, until `stop()` is called, which waits for the
 * answers. `canGoOn()` may hold it back: a hub that drops what a slow stream has not got is not pushed beyond that.
 */
export function publishOn(publisher, next, unanswered, canGoOn = () => true) {
  const state = { published: 0, waiting: 0, isOver: false, error: undefined }
  let whenIdle
  const settle = () => {
    state.waiting -= 1
    if (state.isOver && state.waiting === 0) whenIdle?.()
  }
  const publishOne = async () => {
    try {
      await publisher.publish(next())
      state.published += 1
    } catch (error) {
      state.error ??= error
      state.isOver = true
    }
    settle()
    publishMore()
  }
  const publishMore = () => {
    while (!state.isOver && state.waiting < unanswered && canGoOn()) {
      state.waiting += 1
      void publishOne()
    }
  }
  const look = setInterval(publishMore, LOOK_EVERY_MS)
  publishMore()
  return {
    /** Requests that were answered. */
    published: () => state.published,
    async stop() {
      state.isOver = true
      clearInterval(look)
      if (state.waiting > 0) {
        await new Promise((resolve) => {
          whenIdle = resolve
        })
      }
      if (state.error !== undefined) throw state.error
    },
  }
}
