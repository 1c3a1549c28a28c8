import { CheckedStream } from './checked-stream.mjs'
import { numberedData } from './numbered-data.mjs'
import { Reference } from './reference.mjs'

/** One channel of the load: what was published to it and when, and what each of its streams must get. */
export class CheckedChannel {
  /** When the i-th message was published: the load publishes and reads in one process. */
  sent = []
  streams = []
  name
  lags
  reference
  #dataBytes
  #firstNumber

  constructor(name, lags, dataBytes = 100, firstNumber = 0) {
    this.name = name
    this.lags = lags
    this.reference = new Reference(dataBytes, firstNumber)
    this.#dataBytes = dataBytes
    this.#firstNumber = firstNumber
  }

  /** The next message. */
  next() {
    const number = this.#firstNumber + this.sent.length
    this.sent.push(performance.now())
    return { channel: this.name, data: numberedData(number, this.#dataBytes) }
  }

  /** What looks at one more stream's content. */
  meter() {
    const stream = new CheckedStream(this)
    this.streams.push(stream)
    return (bytes) => stream.take(bytes)
  }

  /** Messages that came to all of its streams. */
  reached() {
    return this.streams.reduce((least, { received }) => Math.min(least, received), Infinity)
  }

  hasAll() {
    const { length } = this.sent
    return this.streams.every(({ received, error }) => received >= length || error !== undefined)
  }

  /** Every stream got every message and nothing else. */
  requireAll() {
    const wrong = this.streams.find(({ error }) => error !== undefined)
    if (wrong !== undefined) throw new Error(`${this.name}: ${wrong.error.message}`)
    const short = this.streams.filter(
      ({ received, length }) =>
        received !== this.sent.length || length !== (this.reference.ends.at(-1) ?? 0),
    )
    if (short.length === 0) return
    const least = Math.min(...short.map(({ received }) => received))
    throw new Error(
      `${this.name}: ${short.length} streams of ${this.streams.length} did not get what was published: ` +
        `${least} of ${this.sent.length} messages came to one`,
    )
  }
}
