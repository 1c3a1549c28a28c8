/** One subscribed socket of the load: takes HTTP chunks apart, counts every byte of message content. */
export class Stream {
  /** Bytes of message content. */
  content = 0
  /** It was answered by something else than a stream, or cut. */
  isBroken = false
  #socket
  #pending = Buffer.alloc(0)
  #left = 0
  #isHead = true
  #isChunked = true
  #onContent

  constructor(socket, onContent) {
    this.#socket = socket
    this.#onContent = onContent
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isBroken = true
    })
  }

  /** The kernel's buffers fill up. */
  stall() {
    this.#socket.pause()
  }

  close() {
    this.#socket.destroy()
  }

  #take(incoming) {
    let bytes = this.#pending.length === 0 ? incoming : Buffer.concat([this.#pending, incoming])
    this.#pending = Buffer.alloc(0)
    if (this.#isHead) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) {
        this.#pending = bytes
        return
      }
      this.#readHead(bytes.latin1Slice(0, end))
      bytes = bytes.subarray(end + 4)
    }
    if (this.#isChunked) this.#takeChunks(bytes)
    else if (bytes.length > 0) this.#pass(bytes)
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
        if (this.#left > 0) break
      }
      // CRLF of the last chunk, if any, then the next size line
      if (bytes.length - offset < 2) break
      const start = bytes[offset] === 13 ? offset + 2 : offset
      const end = bytes.indexOf('\r\n', start)
      if (end < 0) break
      this.#left = Number.parseInt(bytes.latin1Slice(start, end), 16)
      offset = end + 2
    }
    if (offset < bytes.length) this.#pending = Buffer.from(bytes.subarray(offset))
  }
}
