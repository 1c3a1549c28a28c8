import net from 'node:net'

/** All sockets are read into it, one after the other: a buffer for each read would cost the load more than the read. */
const READ_BUFFER = Buffer.alloc(64 * 1024)
const LF = 10

/**
 * One subscribed socket of the load: takes HTTP chunks apart, counts every byte of message content. What `onContent` is
 * handed lies in a buffer that the next read overwrites.
 */
export class Stream {
  /** Bytes of message content. */
  content = 0
  /** It was answered by something else than a stream, or cut. */
  isBroken = false
  #socket
  #head = ''
  #line = ''
  /** Of the chunk that is being read. */
  #left = 0
  #isHead = true
  #isChunked = true
  #onContent
  #onAnswer

  /** `onAnswer` is called once: with undefined when the first bytes have been looked at, else with an error. */
  constructor({ port, hostname, request, onContent, answerDeadlineMs, onAnswer }) {
    this.#onContent = onContent
    this.#onAnswer = onAnswer
    this.#socket = net.connect({
      port,
      host: hostname,
      onread: { buffer: READ_BUFFER, callback: (length) => this.#read(length) },
    })
    this.#socket.on('error', (error) => this.#answer(error))
    this.#socket.on('close', () => {
      this.isBroken = true
      this.#answer(new Error('a stream was cut as it opened'))
    })
    this.#socket.setTimeout(answerDeadlineMs, () =>
      this.#answer(new Error('a stream was not answered')),
    )
    this.#socket.write(request)
  }

  /** The kernel's buffers fill up. */
  stall() {
    this.#socket.pause()
  }

  close() {
    this.#socket.destroy()
  }

  #read(length) {
    this.#take(READ_BUFFER.subarray(0, length))
    if (this.#onAnswer === undefined) return
    this.#socket.setTimeout(0)
    this.#answer(this.isBroken ? new Error('a stream was refused') : undefined)
  }

  #answer(error) {
    const onAnswer = this.#onAnswer
    this.#onAnswer = undefined
    onAnswer?.(error)
  }

  #take(incoming) {
    const bytes = this.#isHead ? this.#takeHead(incoming) : incoming
    if (bytes.length === 0) return
    if (this.#isChunked) this.#takeChunks(bytes)
    else this.#pass(bytes)
  }

  /** What stands behind the head. */
  #takeHead(incoming) {
    this.#head += incoming.latin1Slice()
    const end = this.#head.indexOf('\r\n\r\n')
    if (end < 0) return incoming.subarray(incoming.length)
    const behind = this.#head.length - end - 4
    this.#readHead(this.#head.slice(0, end))
    return incoming.subarray(incoming.length - behind)
  }

  #readHead(head) {
    this.#isHead = false
    this.#isChunked = /\r\ntransfer-encoding: *chunked/i.test(head)
    if (head.slice(9, 12) === '200' && !/\r\npiazza-refused:/i.test(head)) return
    this.isBroken = true
    this.#socket.destroy()
  }

  #pass(bytes) {
    this.content += bytes.length
    this.#onContent?.(bytes)
  }

  #takeChunks(bytes) {
    let offset = 0
    while (offset < bytes.length) {
      if (this.#left > 0) {
        const length = Math.min(this.#left, bytes.length - offset)
        this.#pass(bytes.subarray(offset, offset + length))
        offset += length
        this.#left -= length
        continue
      }
      // A size, or the end of the last chunk: an empty line.
      const end = bytes.indexOf(LF, offset)
      this.#line += bytes.latin1Slice(offset, end < 0 ? bytes.length : end)
      if (end < 0) return
      if (this.#line !== '\r') this.#left = Number.parseInt(this.#line, 16)
      this.#line = ''
      offset = end + 1
    }
  }
}
