import { type Announcement, sizeOf } from './announcement.ts'
import { type LocalChannel } from './local-channel.ts'

/** Of all channels together; beyond it those of the channel that goes on are dropped, found missing, and read back. */
const MAX_EARLY_BYTES = 8 * 1024 * 1024

/** What is heard of channels while their baselines are read. */
export class EarlyMessages {
  readonly #byChannel = new Map<LocalChannel, Announcement[]>()
  #bytes = 0

  hold(channel: LocalChannel, announcement: Announcement): void {
    const size = sizeOf(announcement)
    if (this.#bytes + size > MAX_EARLY_BYTES) this.take(channel)
    if (this.#bytes + size > MAX_EARLY_BYTES) return
    this.#bytes += size
    const messages = this.#byChannel.get(channel)
    if (messages === undefined) this.#byChannel.set(channel, [announcement])
    else messages.push(announcement)
  }

  /** Lets go of them. */
  take(channel: LocalChannel): readonly Announcement[] {
    const messages = this.#byChannel.get(channel) ?? []
    this.#byChannel.delete(channel)
    for (const message of messages) this.#bytes -= sizeOf(message)
    return messages
  }

  clear(): void {
    this.#byChannel.clear()
    this.#bytes = 0
  }
}
