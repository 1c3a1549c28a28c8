import { median } from '../load/range.mjs'

const keyOf = (work, variant, peer) => `${work}|${variant}|${peer}`

/** What came out of each round of each measurement, of one run of `bench:peers` or of several. */
export class Results {
  /** Peers that can't be had here, and why. */
  leftOut = new Map()
  /** What each run was made with, and the names of its works. */
  runs = []
  #outcomes = new Map()

  /** As `toText` wrote it. */
  static fromText(text) {
    const { runs, leftOut, outcomes } = JSON.parse(text)
    const results = new Results()
    results.runs = runs
    results.leftOut = new Map(leftOut)
    results.#outcomes = new Map(outcomes)
    return results
  }

  toText() {
    const { runs, leftOut } = this
    return JSON.stringify({ runs, leftOut: [...leftOut], outcomes: [...this.#outcomes] })
  }

  /** A work that is made anew is forgotten first. */
  beginRun(run) {
    const isAnew = (name) => run.works.includes(name)
    for (const key of this.#outcomes.keys()) {
      if (isAnew(key.split('|', 1)[0])) this.#outcomes.delete(key)
    }
    for (const earlier of this.runs) {
      earlier.works = earlier.works.filter((name) => !isAnew(name))
    }
    this.runs = [...this.runs.filter(({ works }) => works.length > 0), run]
  }

  hasWork(name) {
    return this.runs.some(({ works }) => works.includes(name))
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

  most(work, variant, peer, column) {
    const values = this.values(work, variant, peer, column)
    return values.length === 0 ? undefined : Math.max(...values)
  }

  failures(work, variant, peer) {
    const outcomes = this.#outcomes.get(keyOf(work, variant, peer)) ?? []
    return { rounds: outcomes.length, reasons: outcomes.flatMap(({ failed }) => failed ?? []) }
  }
}
