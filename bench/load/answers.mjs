import { CheckedChannel } from './checked-channel.mjs'
import { LagHistogram } from './lag-histogram.mjs'
import { openAll, streamRequest } from './open-streams.mjs'
import { sleep } from './sleep.mjs'

const TOKEN_BYTES = 8
const LOOK_EVERY_MS = 10
const DEADLINE_MS = 20_000

/**
 * Answers as a language model gives them: `count` channels at a time with one stream each, each `tokens` messages of 8
 * bytes long, the first ones fewer, so that they don't end together. One that is through is checked and closed, and the
 * next channel begins.
 */
export class Answers {
  lags = new LagHistogram()
  ended = 0
  error
  #peer
  #url
  #tokens
  #begun = 0
  #isOver = false
  /** Whose next token can be published. */
  #ready = []
  /** Whose last token is under way. */
  #ending = new Set()
  #look

  constructor(peer, hub, tokens) {
    this.#peer = peer
    this.#url = hub.url
    this.#tokens = tokens
  }

  async open(count) {
    // as after a while: some have only begun, some are nearly through
    for (let i = 1; i <= count; i += 1) {
      this.#ready.push(await this.#begin(Math.ceil((i * this.#tokens) / count)))
    }
    await sleep(this.#peer.settleMs ?? 0)
    this.#look = setInterval(() => this.#closeEnded(), LOOK_EVERY_MS)
  }

  hasNext(count = 1) {
    return this.#ready.length >= count
  }

  /** The next token of the channel whose turn it is. */
  next() {
    const answer = this.#ready.shift()
    const message = answer.channel.next()
    if (answer.channel.sent.length < answer.tokens) this.#ready.push(answer)
    else {
      this.#ending.add(answer)
      if (this.#peer.canEnd) message.end = true
    }
    return message
  }

  /** Waits for what is under way; throws where a token was lost. */
  async finish() {
    this.#isOver = true
    const all = () => [...this.#ready, ...this.#ending]
    const endMs = performance.now() + DEADLINE_MS
    while (performance.now() < endMs && !all().every(({ channel }) => channel.hasAll())) {
      await sleep(20)
    }
    clearInterval(this.#look)
    if (this.error !== undefined) throw this.error
    for (const { channel } of all()) channel.requireAll()
  }

  close() {
    clearInterval(this.#look)
    this.#isOver = true
    for (const { stream } of [...this.#ready, ...this.#ending]) stream.close()
  }

  async #begin(tokens = this.#tokens) {
    const channel = new CheckedChannel(`answer.${this.#begun}`, this.lags, TOKEN_BYTES)
    this.#begun += 1
    const request = streamRequest(this.#peer.pathOf(channel.name))
    const onContent = channel.meter()
    const [stream] = await openAll(this.#url, 1, 1, () => ({ request, onContent }))
    return { channel, stream, tokens }
  }

  async #replace() {
    const answer = await this.#begin()
    await sleep(this.#peer.settleMs ?? 0)
    if (this.#isOver) answer.stream.close()
    else this.#ready.push(answer)
  }

  #closeEnded() {
    for (const answer of this.#ending) {
      if (!answer.channel.hasAll()) continue
      this.#ending.delete(answer)
      answer.stream.close()
      this.ended += 1
      try {
        answer.channel.requireAll()
      } catch (error) {
        this.error ??= error
      }
      if (this.#isOver) continue
      this.#replace().catch((error) => {
        this.error ??= error
      })
    }
  }
}
