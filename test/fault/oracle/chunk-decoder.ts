const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

/** Takes HTTP head and chunk framing from a response's bytes, as they come; gives whole and partial content alike. */
export class ChunkDecoder {
  readonly #onContent: (bytes: Buffer) => void
  #pending: Buffer = Buffer.alloc(0)
  #isHead = true
  /** Content left in the current chunk; undefined: a size line is next. */
  #left: number | undefined

  constructor(onContent: (bytes: Buffer) => void) {
    this.#onContent = onContent
  }

  push(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes])
    if (this.#isHead) {
      const end = this.#pending.indexOf(HEAD_END)
      if (end < 0) return
      this.#isHead = false
      this.#pending = this.#pending.subarray(end + HEAD_END.length)
    }
    while (this.#pending.length > 0) {
      if (this.#left === undefined) {
        const end = this.#pending.indexOf(LINE_END)
        if (end < 0) return
        this.#left = Number.parseInt(this.#pending.subarray(0, end).toString('latin1'), 16)
        this.#pending = this.#pending.subarray(end + LINE_END.length)
      } else if (this.#left > 0) {
        const content = this.#pending.subarray(0, this.#left)
        this.#pending = this.#pending.subarray(content.length)
        this.#left -= content.length
        this.#onContent(content)
      } else {
        if (this.#pending.length < LINE_END.length) return
        this.#pending = this.#pending.subarray(LINE_END.length)
        this.#left = undefined
      }
    }
  }
}
