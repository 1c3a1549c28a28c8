import net from 'node:net'
import { onTestFinished } from 'vitest'
import { waitFor } from './wait.ts'

/** A request that passed, and what it was answered. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** The header `Last-Event-ID`; empty if there was none. */
  readonly lastEventId: string
  /** Status code; 0 until the answer's head is there. */
  readonly status: number
  /** Why the hub turned it away for now; empty if it didn't. */
  readonly refused: string
}

/** Finds the byte at which to cut in what the hub has sent on one connection (latin1: a character is a byte). */
export type CutPlace = (sent: string) => number | undefined

/** A TCP proxy on 127.0.0.1 that can cut what passes through it. */
export interface CuttingProxy {
  readonly url: string
  /** How many requests came so far, preflights too. */
  readonly asked: number
  /** In the order they came; without preflights. */
  readonly requests: readonly SeenRequest[]
  /** What the hub sent, over all connections. */
  readonly sent: string
  /** Cuts every connection at once. Later ones wait until `release`: the hub doesn't hear of the client meanwhile. */
  cut(): void
  /** Cuts the first connection on which the place is found, there: what lies before goes out. Later ones wait, too. */
  cutAt(place: CutPlace): void
  release(): void
  /** Resolves when the place was found. */
  waitForCut(label: string, deadlineMs: number): Promise<void>
  /** Later connections lead to this port. */
  lead(port: number): void
}

/** What all connections share. */
interface Rules {
  port: number
  place: CutPlace | undefined
  isHolding: boolean
  sent: string
}

/** Stands between clients and the hub at `port`; closed with the test. */
export async function startCuttingProxy(port: number): Promise<CuttingProxy> {
  const rules: Rules = { port, place: undefined, isHolding: false, sent: '' }
  const passages = new Set<Passage>()
  const requests: SeenRequest[] = []
  let asked = 0
  const server = net.createServer((client) => {
    const exchanges = new Exchanges((request) => {
      asked += 1
      if (request.method !== 'OPTIONS') requests.push(request)
    })
    const passage = new Passage(client, exchanges, rules)
    passages.add(passage)
    client.once('close', () => passages.delete(passage))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const cut = () => {
    rules.isHolding = true
    for (const passage of passages) passage.cut()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    get asked() {
      return asked
    },
    requests,
    get sent() {
      return rules.sent
    },
    cut,
    cutAt: (place) => {
      rules.place = place
    },
    release: () => {
      rules.isHolding = false
      for (const passage of passages) passage.start()
    },
    waitForCut: (label, deadlineMs) =>
      waitFor(`a cut ${label}`, () => rules.place === undefined, deadlineMs),
    lead: (to) => {
      rules.port = to
    },
  }
}

/** One connection of a client, and the one to the hub that belongs to it. */
class Passage {
  readonly #client: net.Socket
  readonly #exchanges: Exchanges
  readonly #rules: Rules
  #upstream: net.Socket | undefined
  /** What the client said before there was a connection to the hub. */
  #waiting = Buffer.alloc(0)
  #sent = ''
  #isCut = false

  constructor(client: net.Socket, exchanges: Exchanges, rules: Rules) {
    this.#client = client
    this.#exchanges = exchanges
    this.#rules = rules
    client.on('error', () => this.cut()).on('close', () => this.cut())
    client.on('data', (bytes) => {
      exchanges.asked(bytes.toString('latin1'))
      if (this.#upstream === undefined) this.#waiting = Buffer.concat([this.#waiting, bytes])
      else this.#upstream.write(bytes)
    })
    if (!rules.isHolding) this.start()
  }

  /** Connects to the hub; idempotent. */
  start(): void {
    if (this.#upstream !== undefined) return
    this.#upstream = net.connect(this.#rules.port, '127.0.0.1')
    this.#upstream.on('data', (bytes) => this.#onAnswer(bytes))
    this.#upstream.on('error', () => this.cut())
    this.#upstream.on('close', () => this.#client.end())
    this.#upstream.write(this.#waiting)
  }

  cut(): void {
    this.#client.destroy()
    this.#upstream?.destroy()
  }

  #onAnswer(bytes: Buffer): void {
    if (this.#isCut) return
    const before = this.#sent.length
    const text = bytes.toString('latin1')
    this.#sent += text
    this.#rules.sent += text
    this.#exchanges.answered(text)
    const at = this.#rules.place?.(this.#sent)
    if (at === undefined) {
      this.#client.write(bytes)
      return
    }
    this.#rules.place = undefined
    this.#rules.isHolding = true
    this.#isCut = true
    this.#client.end(bytes.subarray(0, Math.max(0, at - before)))
    this.#upstream?.destroy()
  }
}

/** Reads the heads that pass on one connection. Its requests have no bodies, and come one after the other. */
class Exchanges {
  readonly #onRequest: (request: SeenRequest) => void
  #asking = ''
  #answering = ''
  #current: { status: number; refused: string } | undefined

  constructor(onRequest: (request: SeenRequest) => void) {
    this.#onRequest = onRequest
  }

  asked(text: string): void {
    const heads = (this.#asking + text).split('\r\n\r\n')
    this.#asking = heads.pop()!
    for (const head of heads) {
      const [, method = '', path = ''] = /^(\S+) (\S+)/.exec(head) ?? []
      const lastEventId = /^last-event-id: *(.*)$/im.exec(head)?.[1]?.trim() ?? ''
      const request = { method, path, lastEventId, status: 0, refused: '' }
      this.#answering = ''
      this.#current = request
      this.#onRequest(request)
    }
  }

  answered(text: string): void {
    if (this.#current === undefined || this.#current.status !== 0) return
    this.#answering += text
    if (!this.#answering.includes('\r\n\r\n')) return
    this.#current.status = Number(/^HTTP\/1\.1 (\d+)/.exec(this.#answering)?.[1])
    this.#current.refused = /^piazza-refused: *(.*)$/im.exec(this.#answering)?.[1]?.trim() ?? ''
  }
}
