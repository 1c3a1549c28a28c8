import { type Stream } from './stream.ts'

export const TICK_MS = 250
const SLOTS = 256
/**
 * What is due later is looked at on the way. Half the slots, so that nothing is put back into a slot that is still
 * being emptied some ticks late.
 */
const MAX_TICKS_AHEAD = SLOTS / 2
/** A turn with more to do yields to the event loop. */
const SLICE_MS = 5
const VISITS_PER_CLOCK = 32

/**
 * One timer for all streams: each stands in the slot of the tick when something is due for it (heartbeat, ping,
 * position, age), and is looked at only then.
 */
export class Wheel {
  readonly #visit: (stream: Stream, tick: number) => number
  readonly #slots: Stream[][] = Array.from({ length: SLOTS }, () => [])
  readonly #timer: NodeJS.Timeout
  readonly #startedMs = performance.now()
  #tick = 0

  /** `visit` does what is due and returns in how many ticks the next thing is, at least 1. */
  constructor(visit: (stream: Stream, tick: number) => number) {
    this.#visit = visit
    this.#timer = setInterval(() => this.#turn(), TICK_MS).unref()
  }

  get tick(): number {
    return this.#tick
  }

  add(stream: Stream, inTicks: number): void {
    const ahead = Math.min(Math.max(1, inTicks), MAX_TICKS_AHEAD)
    stream.wheelSlot = (this.#tick + ahead) % SLOTS
    stream.wheelIndex = this.#slots[stream.wheelSlot]!.push(stream) - 1
  }

  remove(stream: Stream): void {
    const slot = this.#slots[stream.wheelSlot]
    if (slot === undefined) return
    stream.wheelSlot = -1
    const last = slot.pop()
    if (last === undefined || last === stream) return
    slot[stream.wheelIndex] = last
    last.wheelIndex = stream.wheelIndex
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Catches up with the clock: a late timer must not make later ones later still. */
  #turn(): void {
    const due = Math.floor((performance.now() - this.#startedMs) / TICK_MS)
    while (this.#tick < due) {
      this.#tick += 1
      this.#empty(this.#tick % SLOTS)
    }
  }

  #empty(slotIndex: number): void {
    const slot = this.#slots[slotIndex]!
    const deadlineMs = performance.now() + SLICE_MS
    let visits = 0
    while (slot.length > 0) {
      const stream = slot.at(-1)!
      this.remove(stream)
      const inTicks = this.#visit(stream, this.#tick)
      if (!stream.isOver) this.add(stream, inTicks)
      visits += 1
      if (visits % VISITS_PER_CLOCK === 0 && performance.now() > deadlineMs) {
        setImmediate(() => this.#empty(slotIndex))
        return
      }
    }
  }
}
