import type net from 'node:net'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'

/** How fast bytes pass. */
export interface Pace {
  readonly delayMs: number
  readonly bytesPerSecond: number
  /** No more of them at a time. */
  readonly pieceBytes: number
}

export const AT_ONCE: Pace = { delayMs: 0, bytesPerSecond: Infinity, pieceBytes: Infinity }
/** One that has a limit writes as much as passes in this time. */
const STEP_SECONDS = 0.02

/** Writes to a socket at the pace of the moment; nothing overtakes. */
export function paced(to: net.Socket, pace: () => Pace): (bytes: Buffer) => void {
  const waiting: { readonly bytes: Buffer; readonly dueMs: number }[] = []
  let isWriting = false
  let owedMs = 0
  const write = async () => {
    isWriting = true
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await sleep(Math.max(0, next.dueMs - performance.now()))
      let { bytes } = next
      while (bytes.length > 0 && !to.destroyed) {
        const { bytesPerSecond, pieceBytes } = pace()
        const size = Math.min(bytes.length, pieceBytes, Math.ceil(bytesPerSecond * STEP_SECONDS))
        to.write(bytes.subarray(0, size))
        bytes = bytes.subarray(size)
        owedMs += (size / bytesPerSecond) * 1000
        if (owedMs < 1) {
          await setImmediate() // whoever reads has read it
          continue
        }
        await sleep(owedMs)
        owedMs = 0
      }
    }
    isWriting = false
  }
  return (bytes) => {
    if (pace() === AT_ONCE && !isWriting) {
      to.write(bytes)
      return
    }
    waiting.push({ bytes, dueMs: performance.now() + pace().delayMs })
    if (!isWriting) void write()
  }
}
