import net from 'node:net'
import { createParser } from 'eventsource-parser'
import { ChunkDecoder } from './chunk-decoder.ts'
import { sleep } from './publisher.ts'
import { type Random } from './random.ts'
import { type Heard, type Life } from './truth.ts'

/** Some longer than the hub waits for a reader that takes nothing. */
const MAX_STALL_MS = 2500
/** Between two connections; rarely much longer, so that the logs go on without the reader. */
const MAX_AWAY_MS = 150
const LONG_AWAY_CHANCE = 0.03
const MAX_LONG_AWAY_MS = 8000
const AWAY_STEP_MS = 100
/** One connection of those that read to the end. */
const LAST_READ_MS = 5000
const DONE_CHECK_MS = 100
const MAX_STEADY_MS = 3_600_000

/** Hundreds of readers hear the same: kept once, and not as a slice of what came with it. */
const texts = new Map<string, string>()

function once(text: string): string {
  const known = texts.get(text)
  if (known !== undefined) return known
  const copy = Buffer.from(text).toString()
  texts.set(copy, copy)
  return copy
}

export interface ReaderOptions {
  readonly name: string
  readonly channels: readonly string[]
  /** Each connection goes to any of them, as they are then. */
  readonly ports: () => readonly number[]
  readonly random: Random
  /** It stays for as long as it is let: it stalls, but never leaves by itself. */
  readonly isSteady?: boolean
}

/** A reader with the manners of an EventSource: it keeps the last id, and comes back with it. */
export class Reader implements Life {
  readonly name: string
  readonly channels: readonly string[]
  readonly heard: Heard[] = []
  readonly #ports: () => readonly number[]
  readonly #random: Random
  readonly #isSteady: boolean
  #lastEventId = ''

  constructor({ name, channels, ports, random, isSteady = false }: ReaderOptions) {
    this.name = name
    this.channels = channels
    this.#ports = ports
    this.#random = random
    this.#isSteady = isSteady
  }

  get lastEventId(): string {
    return this.#lastEventId
  }

  /** Connects, stalls, drops at random bytes and resumes. */
  async live(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const isWhole = this.#isSteady || this.#random.chance(0.4)
      const maxBytes = isWhole ? Number.MAX_SAFE_INTEGER : this.#random.between(1, 400_000)
      const maxMs = this.#isSteady ? MAX_STEADY_MS : this.#random.between(50, 4000)
      await this.#connect(maxBytes, maxMs, isOver)
      const isLong = !this.#isSteady && this.#random.chance(LONG_AWAY_CHANCE)
      await this.#stayAway(this.#random.between(0, isLong ? MAX_LONG_AWAY_MS : MAX_AWAY_MS), isOver)
    }
  }

  /** Reads quietly until the hub has nothing more for it. */
  async readToEnd(id: string, deadlineMs: number): Promise<void> {
    const startedMs = performance.now()
    while (this.#lastEventId < id) {
      if (performance.now() - startedMs > deadlineMs) return // the verdict tells what is missing
      await this.#connect(Number.MAX_SAFE_INTEGER, LAST_READ_MS, () => this.#lastEventId >= id)
    }
  }

  #connect(maxBytes: number, maxMs: number, isDone: () => boolean = () => false): Promise<void> {
    const ports = this.#ports()
    const port = ports[this.#random.between(0, ports.length - 1)]!
    const socket = net.connect(port, '127.0.0.1')
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
      if (left <= 0) return // a destroyed socket still gives what it had read
      chunks.push(bytes.subarray(0, left))
      left -= bytes.length
      if (left <= 0) socket.destroy()
      else if (this.#random.chance(0.01)) this.#stall(socket)
    })
    socket.write(`GET ${path}${query} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`)
    const timer = setTimeout(() => socket.destroy(), maxMs)
    const checking = setInterval(() => {
      if (isDone()) socket.destroy() // though nothing may come any more
    }, DONE_CHECK_MS)
    return new Promise((resolve) => {
      socket.on('close', () => {
        clearTimeout(timer)
        clearInterval(checking)
        resolve()
      })
    })
  }

  async #stayAway(ms: number, isOver: () => boolean): Promise<void> {
    for (let left = ms; left > 0 && !isOver(); left -= AWAY_STEP_MS) {
      await sleep(Math.min(left, AWAY_STEP_MS))
    }
  }

  #stall(socket: net.Socket): void {
    socket.pause()
    setTimeout(() => socket.resume(), this.#random.between(50, MAX_STALL_MS))
  }

  #hear(id: string | undefined, event: string | undefined, data: string): void {
    if (id !== undefined) this.#lastEventId = once(id)
    if (event === 'piazza.open') this.heard.push({ kind: 'opened', position: once(id ?? '') })
    else if (event === 'piazza.gap') this.heard.push({ kind: 'gap', ...JSON.parse(data) })
    else if (!event?.startsWith('piazza.')) {
      this.heard.push({ kind: 'message', id: id === undefined ? '' : once(id), data: once(data) })
    }
  }
}
