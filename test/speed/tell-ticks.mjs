// Preloaded into a hub: tells its parent how long a nextTick takes, before and after full collections.
import { setTimeout as sleep } from 'node:timers/promises'

const TICKS = 300_000
const COLLECTIONS = 5

function measureTicks() {
  return new Promise((resolve) => {
    const startMs = performance.now()
    let left = TICKS
    const tick = () => {
      left -= 1
      if (left > 0) process.nextTick(tick)
      else resolve(((performance.now() - startMs) * 1e6) / TICKS)
    }
    process.nextTick(tick)
  })
}

/** The lowest of three: the first may be compiling, and others are at work. */
async function lowestTick() {
  const times = []
  for (let i = 0; i < 3; i += 1) times.push(await measureTicks())
  return Math.min(...times)
}

// before the hub is loaded: what is lost as it starts would be missed
const beforeNs = await lowestTick()

async function tell() {
  for (let i = 0; i < COLLECTIONS; i += 1) {
    await sleep(10) // no tick is alive when a timer fires
    globalThis.gc()
  }
  process.send({ beforeNs, afterNs: await lowestTick() })
}

process.once('message', () => void tell())
