import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Socket } from 'node:net'
import { Chunk, framedText, LAST_CHUNK } from './chunk.ts'
import { detach } from './detach.ts'
import { type Utf8 } from './utf8.ts'

/** A request and its response as node:http hands them over; nothing has been answered yet. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Bytes a client may send after its request: they are discarded. More closes the stream. */
const MAX_INPUT_BYTES = 16 * 1024
/** So long may a socket take to close after its last bytes. */
const CLOSE_TIMEOUT_MS = 5000
/** Two quiet halves follow one another if no more than so much of the timeout lies between their ends. */
const QUIET_IN_A_ROW = 0.75
/** The longest delay of a timer in Node; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

const kConnection = Symbol('piazza.connection')
type OwnedSocket = Socket & { [kConnection]?: SseConnection }

/**
 * The socket side of a stream: writing, backpressure, end. After the head the socket belongs to this object, not to
 * node:http. Listeners are shared functions that find their connection on the socket: a closure per stream and event
 * would cost more than the connection itself.
 */
export abstract class SseConnection {
  readonly #socket: OwnedSocket
  readonly #isChunked: boolean
  readonly #slowTimeoutMs: number
  #isBlocked = false
  #blockedAtMs = 0
  /** When its last quiet half of the timeout was over. */
  #quietAtMs = Number.NEGATIVE_INFINITY
  #isEnding = false
  #isClosed = false
  #isAttached = true
  #inputBytes = 0

  /** `slowTimeoutMs`: how long the kernel may take no byte while it has some to take. */
  constructor({ request, response }: Exchange, slowTimeoutMs: number) {
    const socket: OwnedSocket = request.socket
    this.#socket = socket
    this.#isChunked = request.httpVersion !== '1.0'
    this.#slowTimeoutMs = Math.min(slowTimeoutMs, MAX_TIMER_MS)
    socket[kConnection] = this
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.on('drain', onDrain)
    socket.on('timeout', onTimeout)
    socket.setTimeout(0)
    request.resume()
    setImmediate(takeOver, this, request, response)
  }

  /** The kernel took less than all: nothing may be written until `onWritable`. */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** It will not take another byte. */
  get isOver(): boolean {
    return this.#isEnding || this.#isClosed
  }

  /** node:http still holds the socket: 6 to 12 KB more (bench/README.md). */
  get isAttached(): boolean {
    return this.#isAttached
  }

  /** The response's head, and the first block with it in one write. */
  protected writeHead(head: string, frames: readonly Utf8[]): void {
    const content = frames.join('')
    // A string: node:net encodes it straight into what it writes.
    this.#send((head + (this.#isChunked ? framedText(content) : content)) as Utf8)
  }

  /** Only while neither blocked nor over. */
  write(chunk: Chunk): void {
    this.#send(this.#isChunked ? chunk.framed : chunk.content)
  }

  /** Sends the last block and closes; a blocked socket takes no words and is cut. */
  protected end(frames: readonly Utf8[]): void {
    if (this.isOver) return
    if (this.#isBlocked) {
      this.#isEnding = true
      this.#socket.destroy()
      return
    }
    if (frames.length > 0) this.write(new Chunk(frames))
    this.#isEnding = true
    if (this.#isChunked) this.#socket.end(LAST_CHUNK)
    else this.#socket.end()
    setTimeout(destroy, CLOSE_TIMEOUT_MS, this.#socket).unref()
  }

  /** Closes at once, in the middle of whatever is on its way. */
  destroy(): void {
    this.#socket.destroy()
  }

  /** All that was written has been taken. */
  protected abstract onWritable(): void

  /** The kernel took no byte for the timeout; the socket is cut afterwards. */
  protected abstract onSlow(): void

  /** The client sent more than a stream's client has to say; the socket is cut afterwards. */
  protected abstract onFlooded(): void

  /** Called once, whoever closed. */
  protected abstract onClosed(): void

  #send(bytes: Buffer | Utf8): void {
    // false only if the kernel refused bytes, whatever the high-water mark (measured on Node 20, 22, 24)
    if (this.#socket.write(bytes, 'latin1')) return
    this.#isBlocked = true
    this.#blockedAtMs = performance.now()
    this.#waitForProgress()
  }

  /**
   * Node rearms this timer as long as the kernel takes some, and once for a write that was taken in part. So it runs for
   * half the time, and two quiet halves in a row are needed: a dead reader is cut after 1 to 1.5 times the timeout.
   */
  #waitForProgress(): void {
    this.#socket.setTimeout(this.#slowTimeoutMs / 2)
  }

  /** Called by the socket's listeners only. */
  handleDrain(): void {
    this.#isBlocked = false
    this.#quietAtMs = Number.NEGATIVE_INFINITY
    this.#socket.setTimeout(0)
    if (!this.isOver) this.onWritable()
  }

  handleTimeout(): void {
    const nowMs = performance.now()
    const wasQuiet = nowMs - this.#quietAtMs < this.#slowTimeoutMs * QUIET_IN_A_ROW
    this.#quietAtMs = nowMs
    if (wasQuiet) this.#cutSlow()
    else this.#waitForProgress()
  }

  #cutSlow(): void {
    if (!this.#isClosed) this.onSlow()
    this.#socket.destroy()
  }

  handleData(bytes: number): void {
    // Input rearms the socket's timer too, so a client that talks is judged by how long it has been blocked at a stretch.
    // Not by pausing: a paused socket still reads, and rearms, up to its high-water mark, and sees no FIN behind that.
    const isSlow = this.#isBlocked && performance.now() - this.#blockedAtMs > this.#slowTimeoutMs
    if (isSlow) {
      this.#cutSlow()
      return
    }
    this.#inputBytes += bytes
    if (this.#inputBytes <= MAX_INPUT_BYTES || this.#socket.destroyed) return
    this.onFlooded()
    this.#socket.destroy()
  }

  handleClose(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.onClosed()
  }

  takeOver(request: IncomingMessage, response: ServerResponse): void {
    const socket = this.#socket
    if (socket.destroyed) return
    this.#isAttached = !detach(request, response)
    if (socket.destroyed) return
    socket.on('data', onData) // keep reading: else the client's FIN isn't seen
    socket.resume()
  }
}

function takeOver(
  connection: SseConnection,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  connection.takeOver(request, response)
}

function onError(): void {
  // 'close' follows, and is what counts
}

function onClose(this: OwnedSocket): void {
  this[kConnection]?.handleClose()
}

function onDrain(this: OwnedSocket): void {
  this[kConnection]?.handleDrain()
}

function onTimeout(this: OwnedSocket): void {
  this[kConnection]?.handleTimeout()
}

function onData(this: OwnedSocket, bytes: Buffer): void {
  this[kConnection]?.handleData(bytes.length)
}

function destroy(socket: Socket): void {
  socket.destroy()
}
