import { MARK, numberedData } from './numbered-data.mjs'

const BLOCK_END = Buffer.from('\n\n')

/**
 * The bytes that all streams of one channel must get, and where each message ends. Whichever stream is ahead appends
 * what it got, and it is parsed then, once: every number once, in order, with its data unaltered. All other streams
 * are compared with it byte by byte.
 */
export class Reference {
  /** Where the i-th message ends. */
  ends = []
  length = 0
  #bytes = Buffer.alloc(1024)
  #firstNumber
  #dataBytes
  #parsed = 0
  /** Of the bytes that were dropped again. */
  #base = 0

  constructor(dataBytes, firstNumber = 0) {
    this.#dataBytes = dataBytes
    this.#firstNumber = firstNumber
  }

  /** What stands at `at` in some stream. Throws where it is not what it must be. */
  take(bytes, at) {
    const known = Math.min(bytes.length, this.length - at)
    const place = at - this.#base
    if (known > 0 && bytes.compare(this.#bytes, place, place + known, 0, known) !== 0) {
      throw new Error(`what came at byte ${at} differs from what another stream got there`)
    }
    if (known < bytes.length) this.#append(bytes.subarray(Math.max(0, known)))
  }

  /** Forgets what lies before a place that all streams have passed. */
  drop(before) {
    const count = Math.min(before, this.#parsed) - this.#base
    if (count <= 0) return
    this.#bytes.copyWithin(0, count, this.length - this.#base)
    this.#base += count
  }

  #append(bytes) {
    const end = this.length - this.#base + bytes.length
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(end, this.#bytes.length * 2))
      this.#bytes.copy(larger)
      this.#bytes = larger
    }
    bytes.copy(this.#bytes, this.length - this.#base)
    this.length += bytes.length
    this.#parse()
  }

  #parse() {
    const all = this.#bytes.subarray(0, this.length - this.#base)
    for (;;) {
      const start = this.#parsed - this.#base
      const end = all.indexOf(BLOCK_END, start)
      if (end < 0) return
      this.#check(all.subarray(start, end))
      this.#parsed = this.#base + end + BLOCK_END.length
      this.ends.push(this.#parsed)
    }
  }

  #check(block) {
    const number = this.#firstNumber + this.ends.length
    const at = block.indexOf(MARK)
    const data = block.subarray(at, at + this.#dataBytes).latin1Slice()
    if (at >= 0 && data === numberedData(number, this.#dataBytes)) return
    throw new Error(
      `in place of message ${number} came ${JSON.stringify(block.subarray(0, 200).latin1Slice())}`,
    )
  }
}
