import net from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { waitFor } from '../support/wait.ts'
import { encode, fuzzedRequest } from './requests.ts'

/** What one client does: bytes in pieces, and how it leaves. */
export interface FuzzedConnection {
  readonly pieces: readonly Buffer[]
  /** `end`: it stays for its answers, then says goodbye; `reset` and `destroy`: it leaves without waiting. */
  readonly ending: 'end' | 'reset' | 'destroy'
}

interface Edit {
  readonly kind: 'flip' | 'insert' | 'remove' | 'repeat' | 'cut'
  /** A share of the whole, in ten thousandths. */
  readonly at: number
  readonly bytes: Uint8Array
}

const MAX_SHOWN = 1000
const WHOLE = 10_000
const share = fc.integer({ min: 0, max: WHOLE })
const place = (at: number, length: number) => Math.floor((at * length) / WHOLE)

const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('flip', 'insert', 'remove', 'repeat', 'cut'),
  at: share,
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 6 }),
    fc
      .constantFrom('\r\n', '\n', '\r', '\0', ' ', ':', '\r\n\r\n', '0\r\n\r\n', '\xff')
      .map((text) => Buffer.from(text, 'latin1')),
  ),
})

function apply(of: Buffer, { kind, at: shareAt, bytes }: Edit): Buffer {
  const at = place(shareAt, of.length)
  const [before, behind] = [of.subarray(0, at), of.subarray(at)]
  switch (kind) {
    case 'flip': {
      const changed = Buffer.from(of)
      if (at < of.length) changed[at] = changed[at]! ^ bytes[0]!
      return changed
    }
    case 'insert':
      return Buffer.concat([before, bytes, behind])
    case 'remove':
      return Buffer.concat([before, behind.subarray(bytes.length)])
    case 'repeat':
      return Buffer.concat([before, behind.subarray(0, 50), behind])
    case 'cut':
  }
  return before
}

/** First bytes of other protocols, and noise. */
const noise = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'SSH-2.0-x\r\n',
      '*1\r\n$4\r\nPING\r\n',
      '\r\n\r\n\r\n',
    )
    .map((text) => Buffer.from(text, 'latin1')),
)

export const fuzzedConnection: fc.Arbitrary<FuzzedConnection> = fc
  .record({
    bytes: fc.oneof(
      {
        weight: 12,
        arbitrary: fc
          .array(fuzzedRequest, { minLength: 1, maxLength: 4 })
          .map((requests) => Buffer.concat(requests.map(encode))),
      },
      { weight: 1, arbitrary: noise },
    ),
    edits: fc.oneof(
      { weight: 2, arbitrary: fc.constant<Edit[]>([]) },
      { weight: 1, arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }) },
    ),
    cuts: fc.array(share, { maxLength: 4 }),
    ending: fc.constantFrom('end', 'end', 'end', 'end', 'reset', 'destroy'),
  })
  .map(({ bytes, edits, cuts, ending }) => {
    const edited = edits.reduce(apply, bytes)
    const places = cuts.map((at) => place(at, edited.length)).toSorted((a, b) => a - b)
    const starts = [0, ...places]
    const pieces = starts.map((start, i) => edited.subarray(start, starts[i + 1]))
    const kept = pieces.filter((piece) => piece.length > 0)
    const text = JSON.stringify({ ending, pieces: kept.map((piece) => piece.toString('latin1')) })
    return { pieces: kept, ending, [fc.toStringMethod]: () => text.slice(0, MAX_SHOWN) }
  })

/** A client that did what it does, and has not left yet. */
export class Played {
  readonly #connection: FuzzedConnection
  readonly #socket: net.Socket
  readonly #received: Buffer[] = []
  #isClosed = false

  constructor(port: number, connection: FuzzedConnection) {
    this.#connection = connection
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (bytes) => this.#received.push(bytes))
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#isClosed = true
    })
  }

  get sent(): Buffer {
    return Buffer.concat(this.#connection.pieces)
  }

  get received(): Buffer {
    return Buffer.concat(this.#received)
  }

  /** It heard the hub out. */
  get isPatient(): boolean {
    return this.#connection.ending === 'end'
  }

  async send(): Promise<void> {
    await waitFor('a connect', () => !this.#socket.connecting)
    for (const piece of this.#connection.pieces) {
      if (this.#isClosed) break
      this.#socket.write(piece)
      await turn()
    }
    if (this.#connection.ending === 'reset') this.#socket.resetAndDestroy()
    if (this.#connection.ending === 'destroy') this.#socket.destroy()
  }

  /** The hub must close what its client has done with. */
  async leave(): Promise<void> {
    if (!this.#isClosed) this.#socket.end()
    await waitFor('the hub to close a connection that its client ended', () => this.#isClosed)
  }
}
