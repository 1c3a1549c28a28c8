const DATA_BYTES = 100
const TIME_BYTES = 17
const DATA = Buffer.from('data: ')
const HEAD_BYTES = DATA.length + TIME_BYTES

const now = () => performance.timeOrigin + performance.now()

/** Data of 100 bytes that tells when it was published. */
export const datedData = () => now().toFixed(3).padEnd(DATA_BYTES, '.')

/** Looks at a stream's content piece by piece, and adds each message's time from publish to here, in ms, to `lags`. */
export function lagMeter(lags) {
  let rest = Buffer.alloc(0)
  return (bytes) => {
    const receivedAt = now()
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    let at = all.indexOf(DATA)
    let done = 0
    while (at >= 0 && at + HEAD_BYTES <= all.length) {
      done = at + HEAD_BYTES
      const lag = receivedAt - Number(all.latin1Slice(at + DATA.length, done))
      if (!Number.isNaN(lag)) lags.push(lag)
      at = all.indexOf(DATA, done)
    }
    // TCP splits where it likes, also in the middle of the word or of the time
    rest = Buffer.from(all.subarray(at >= 0 ? at : Math.max(done, all.length - DATA.length + 1)))
  }
}

/** A share of the lags was no longer. */
export function quantile(lags, share) {
  const sorted = lags.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
