import net from 'node:net'
import { createParser } from 'eventsource-parser'
import { ChunkDecoder } from './chunk-decoder.ts'
import { sleep } from './publisher.ts'
import { type Random } from './random.ts'
import { type Heard, type Life } from './truth.ts'

/** Some longer than the hub waits for a reader that takes nothing. */
const MAX_STALL_MS = 2500

/** A reader with the manners of an EventSource: it keeps the last id, and comes back with it. */
export class Reader implements Life {
  readonly name: string
  readonly channels: readonly string[]
  readonly heard: Heard[] = []
  readonly #port: number
  readonly #random: Random
  #lastEventId = ''

  constructor(name: string, channels: readonly string[], port: number, random: Random) {
    this.name = name
    this.channels = channels
    this.#port = port
    this.#random = random
  }

  get lastEventId(): string {
    return this.#lastEventId
  }

  /** Connects, stalls, drops at random bytes and resumes. */
  async live(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const maxBytes = this.#random.chance(0.6)
        ? this.#random.between(1, 400_000)
        : Number.MAX_SAFE_INTEGER
      const maxMs = this.#random.between(50, 4000)
      await this.#connect(maxBytes, maxMs)
      await sleep(this.#random.between(0, 150))
    }
  }

  /** Reads quietly until the hub has nothing more for it. */
  async readToEnd(id: string, deadlineMs: number): Promise<void> {
    const startedMs = performance.now()
    while (this.#lastEventId < id) {
      if (performance.now() - startedMs > deadlineMs) return // the verdict tells what is missing
      await this.#connect(Number.MAX_SAFE_INTEGER, 1000, () => this.#lastEventId >= id)
    }
  }

  #connect(maxBytes: number, maxMs: number, isDone: () => boolean = () => false): Promise<void> {
    const socket = net.connect(this.#port, '127.0.0.1')
    const parser = createParser({
      onEvent: ({ id, event, data }) => {
        this.#hear(id, event, data)
        if (isDone()) socket.destroy()
      },
    })
    const text = new TextDecoder()
    const chunks = new ChunkDecoder((bytes) => parser.feed(text.decode(bytes, { stream: true })))
    const path = `/channels/${this.channels.join(',')}`
    const inHeader = this.#random.chance(0.5)
    const query = inHeader || this.#lastEventId === '' ? '' : `?lastEventId=${this.#lastEventId}`
    const header =
      inHeader && this.#lastEventId !== '' ? `Last-Event-ID: ${this.#lastEventId}\r\n` : ''
    let left = maxBytes
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      chunks.push(bytes.subarray(0, left))
      left -= bytes.length
      if (left <= 0) socket.destroy()
      else if (this.#random.chance(0.01)) this.#stall(socket)
    })
    socket.write(`GET ${path}${query} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`)
    const timer = setTimeout(() => socket.destroy(), maxMs)
    return new Promise((resolve) => {
      socket.on('close', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #stall(socket: net.Socket): void {
    socket.pause()
    setTimeout(() => socket.resume(), this.#random.between(50, MAX_STALL_MS))
  }

  #hear(id: string | undefined, event: string | undefined, data: string): void {
    if (id !== undefined) this.#lastEventId = id
    if (event === 'piazza.open') this.heard.push({ kind: 'opened', position: id ?? '' })
    else if (event === 'piazza.gap') this.heard.push({ kind: 'gap', ...JSON.parse(data) })
    else if (!event?.startsWith('piazza.')) this.heard.push({ kind: 'message', id: id ?? '', data })
  }
}
