import { CheckedChannel } from './checked-channel.mjs'
import { LagHistogram } from './lag-histogram.mjs'
import { openAll, streamRequest } from './open-streams.mjs'
import { sleep } from './sleep.mjs'

const ARRIVAL_DEADLINE_MS = 20_000
/** Connects that are not answered yet. */
const UNANSWERED = 50
/** Nothing is published before what opening takes is over. */
const SETTLE_MS = 500

/** Channels of a peer with so many streams each, all checked; `lags.count` counts the deliveries. */
export class CheckedLoad {
  lags = new LagHistogram()
  channels = []
  #streams = []
  #next = 0

  static async open(peer, hub, { channels, streamsEach, dataBytes }) {
    const load = new CheckedLoad()
    for (let i = 0; i < channels; i += 1) {
      load.channels.push(new CheckedChannel(`bench.${i}`, load.lags, dataBytes))
    }
    const paths = load.channels.map(({ name }) => streamRequest(peer.pathOf(name)))
    load.#streams = await openAll(hub.url, channels * streamsEach, UNANSWERED, (i) => ({
      request: paths[i % channels],
      onContent: load.channels[i % channels].meter(),
    }))
    await sleep(peer.settleMs ?? SETTLE_MS)
    return load
  }

  /** The next message, of the next channel. */
  next() {
    const channel = this.channels[this.#next % this.channels.length]
    this.#next += 1
    return channel.next()
  }

  /** The most messages of a channel that one of its streams has not got yet. */
  behind() {
    return this.channels.reduce(
      (most, channel) => Math.max(most, channel.sent.length - channel.reached()),
      0,
    )
  }

  /** Waits for all that was published, and throws where a stream did not get it, all of it, in order. */
  async finish() {
    const endMs = performance.now() + ARRIVAL_DEADLINE_MS
    while (performance.now() < endMs && !this.channels.every((channel) => channel.hasAll())) {
      await sleep(50)
    }
    for (const channel of this.channels) channel.requireAll()
    if (this.#streams.some(({ isBroken }) => isBroken)) throw new Error('streams were cut')
  }

  /** For a long run: bytes that all streams have got are not needed any more. */
  forgetReceived() {
    for (const { reference, streams } of this.channels) {
      reference.drop(Math.min(...streams.map(({ length }) => length)))
    }
  }

  /** What came so far was right, for a server that never ends. */
  requireNoError() {
    for (const { streams } of this.channels) {
      const wrong = streams.find(({ error }) => error !== undefined)
      if (wrong !== undefined) throw wrong.error
    }
  }

  close() {
    for (const stream of this.#streams) stream.close()
  }
}
