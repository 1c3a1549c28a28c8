const DATA_BYTES = 100
const TIME_BYTES = 17
const DATA = Buffer.from('data: ')

const now = () => performance.timeOrigin + performance.now()

/** Data of 100 bytes that tells when it was published. */
export const datedData = () => now().toFixed(3).padEnd(DATA_BYTES, '.')

/** Looks at a stream's content piece by piece, and adds each message's time from publish to here, in ms, to `lags`. */
export function lagMeter(lags) {
  return (bytes) => {
    const receivedAt = now()
    for (let at = bytes.indexOf(DATA); at >= 0; at = bytes.indexOf(DATA, at + DATA_BYTES)) {
      const start = at + DATA.length
      const lag = receivedAt - Number(bytes.latin1Slice(start, start + TIME_BYTES))
      if (!Number.isNaN(lag)) lags.push(lag)
    }
  }
}

/** A share of the lags was no longer. */
export function quantile(lags, share) {
  const sorted = lags.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
