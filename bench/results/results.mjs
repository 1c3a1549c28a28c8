import { median } from '../load/range.mjs'

const keyOf = (work, variant, peer) => `${work}|${variant}|${peer}`

/** What came out of each round of each measurement. */
export class Results {
  /** Peers that can't be had here, and why. */
  leftOut = new Map()
  loadBefore
  #outcomes = new Map()

  constructor(loadBefore) {
    this.loadBefore = loadBefore
  }

  leaveOut(peer, reason) {
    this.leftOut.set(peer.name, reason)
  }

  add(work, variant, peer, outcome) {
    const key = keyOf(work.name, variant.name, peer.name)
    this.#outcomes.set(key, [...(this.#outcomes.get(key) ?? []), outcome])
  }

  /** The values of one column of all rounds that came through. */
  values(work, variant, peer, column) {
    const outcomes = this.#outcomes.get(keyOf(work, variant, peer)) ?? []
    return outcomes
      .map(({ values }) => values?.[column])
      .filter((value) => typeof value === 'number' && Number.isFinite(value))
  }

  median(work, variant, peer, column) {
    const values = this.values(work, variant, peer, column)
    return values.length === 0 ? undefined : median(values)
  }

  failures(work, variant, peer) {
    const outcomes = this.#outcomes.get(keyOf(work, variant, peer)) ?? []
    return { rounds: outcomes.length, reasons: outcomes.flatMap(({ failed }) => failed ?? []) }
  }
}
