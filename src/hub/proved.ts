import { type Position } from '../position.ts'

/** Pages behind something that may still come late; of more the oldest are forgotten. */
const MAX_PAGES = 16

interface Page {
  /** Everything later than this, up to `to`. */
  readonly after: Position
  to: Position
}

/**
 * Where it was proved that a stream has had everything, or was told. Its cursor may be further: live messages come
 * while others of another channel are still missing. A page that is read from there proves nothing of what lies before.
 * Rule 13: what comes late, and was had, is not sent again.
 */
export class Proved {
  /** Everything up to here. */
  upTo: Position = 0
  #pages: Page[] | undefined

  /** Up to `to` nothing is missing that is later than `after`. */
  add(after: Position, to: Position): void {
    const last = this.#pages?.at(-1)
    if (after <= this.upTo) this.#raise(to)
    else if (last !== undefined && after >= last.after && after <= last.to) {
      last.to = Math.max(last.to, to)
    } else {
      this.#pages ??= []
      this.#pages.push({ after, to })
      if (this.#pages.length > MAX_PAGES) this.#pages.shift()
    }
  }

  has(position: Position): boolean {
    if (position <= this.upTo) return true
    return this.#pages?.some(({ after, to }) => position > after && position <= to) === true
  }

  /** All that is later than `after`, up to `to`. */
  covers(after: Position, to: Position): boolean {
    if (to <= this.upTo) return true
    return this.#pages?.some((page) => after >= page.after && to <= page.to) === true
  }

  /** With the pages that begin there. */
  #raise(to: Position): void {
    this.upTo = Math.max(this.upTo, to)
    const next = this.#pages?.find(({ after }) => after <= this.upTo)
    if (next === undefined) return
    const others = this.#pages?.filter((page) => page !== next)
    this.#pages = others?.length === 0 ? undefined : others
    this.#raise(next.to)
  }
}
