import http from 'node:http'
import { createParser } from 'eventsource-parser'
import { sleep } from '../load/sleep.mjs'

/** What all readers have seen. */
export function createTally() {
  return { opened: [], statuses: new Map(), refused: 0, failed: 0, gaps: 0, lost: 0, twice: 0 }
}

/** Reads a channel as an EventSource does: comes back after `retry:` with the last id. Messages are 1, 2, 3, … */
export class Reader {
  /** The number of the last message. */
  last = 0
  isOpen = false
  #lastEventId = ''
  #retryMs = 3000
  #request
  #isClosed = false

  constructor(url, tally) {
    this.url = url
    this.tally = tally
    void this.#readOn()
  }

  close() {
    this.#isClosed = true
    this.#request.destroy()
  }

  async #readOn() {
    while (!this.#isClosed) {
      await this.#connect()
      this.isOpen = false
      if (!this.#isClosed) await sleep(this.#retryMs)
    }
  }

  /** Resolves when the stream has ended. */
  #connect() {
    const { tally } = this
    const headers = { accept: 'text/event-stream' }
    if (this.#lastEventId !== '') headers['last-event-id'] = this.#lastEventId
    tally.opened.push(performance.now())
    return new Promise((resolve) => {
      this.#request = http.get(this.url, { headers, agent: false }, (answer) => {
        tally.statuses.set(answer.statusCode, (tally.statuses.get(answer.statusCode) ?? 0) + 1)
        if (answer.headers['piazza-refused'] !== undefined) tally.refused += 1
        const parser = this.#createParser()
        answer.setEncoding('utf8')
        answer.on('data', (text) => parser.feed(text))
        answer.on('error', () => undefined).on('close', resolve)
      })
      this.#request.on('error', () => {
        if (!this.#isClosed) tally.failed += 1
        resolve()
      })
    })
  }

  #createParser() {
    return createParser({
      onRetry: (ms) => {
        this.#retryMs = ms
      },
      onEvent: ({ id, event, data }) => {
        if (id !== undefined) this.#lastEventId = id
        if (event === 'piazza.open') this.isOpen = true
        else if (event === 'piazza.gap') this.tally.gaps += 1
        else if (event === undefined) this.#take(Number(data))
      },
    })
  }

  #take(number) {
    if (number <= this.last) this.tally.twice += 1
    else this.tally.lost += number - this.last - 1
    this.last = Math.max(this.last, number)
  }
}
