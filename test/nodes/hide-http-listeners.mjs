// Loaded into a hub by `--import`: node:http's listeners bear other names, as in a version of Node that changed them.
import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'

Socket.prototype.listeners = function hidden(event) {
  const listeners = EventEmitter.prototype.listeners.call(this, event)
  return listeners.map(
    (listener) =>
      (...args) =>
        listener.apply(this, args),
  )
}
