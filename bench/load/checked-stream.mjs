import { MARK } from './numbered-data.mjs'

/** A chunk with more messages than this is looked at here and there. */
const SAMPLES = 16

/** What one stream of a channel got: compared with the channel's reference, the lag of every message counted. */
export class CheckedStream {
  /** Messages that came whole. */
  received = 0
  error
  #channel
  #at = 0
  #isOpening = true
  #opening = Buffer.alloc(0)

  constructor(channel) {
    this.#channel = channel
  }

  take(incoming) {
    if (this.error !== undefined) return
    const bytes = this.#isOpening ? this.#open(incoming) : incoming
    if (bytes.length === 0) return
    try {
      this.#channel.reference.take(bytes, this.#at)
    } catch (error) {
      this.error = error
      return
    }
    this.#at += bytes.length
    this.#count()
  }

  /** Bytes of messages, the last of which may be unfinished. */
  get length() {
    return this.#at
  }

  /** What each hub says first differs from stream to stream: it ends where the block of the first message begins. */
  #open(incoming) {
    this.#opening = Buffer.concat([this.#opening, incoming])
    const mark = this.#opening.indexOf(MARK)
    if (mark < 0) return Buffer.alloc(0)
    const end = this.#opening.lastIndexOf('\n\n', mark)
    const bytes = this.#opening.subarray(end < 0 ? 0 : end + 2)
    this.#isOpening = false
    this.#opening = undefined
    return bytes
  }

  #count() {
    const { reference, lags, sent } = this.#channel
    const first = this.received
    let next = first
    while (next < reference.ends.length && reference.ends[next] <= this.#at) next += 1
    if (next === first) return
    this.received = next
    const now = performance.now()
    const step = Math.max(1, Math.floor((next - first) / SAMPLES))
    for (let i = first; i < next; i += step) lags.add(now - sent[i], Math.min(step, next - i))
  }
}
