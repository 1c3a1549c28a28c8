/** One subscribed socket of the load: takes HTTP chunks apart, counts every byte of message content. */
export class Stream {
  /** Bytes of message content. */
  content = 0
  #socket
  #pending = Buffer.alloc(0)
  #left = 0
  #isHead = true
  #onContent

  constructor(socket, onContent) {
    this.#socket = socket
    this.#onContent = onContent
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('error', () => {})
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
      this.#isHead = false
      bytes = bytes.subarray(end + 4)
    }
    let offset = 0
    while (offset < bytes.length) {
      if (this.#left > 0) {
        const length = Math.min(this.#left, bytes.length - offset)
        this.content += length
        this.#onContent?.(bytes.subarray(offset, offset + length))
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
