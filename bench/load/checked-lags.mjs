import { lagMeter } from './lag.mjs'
import { orderCheck } from './order-check.mjs'

/** Lags of streams that are all sent the same messages, and whether all came, in order. */
export function checkedLags() {
  const lags = []
  const report = { ids: 0, outOfOrder: 0 }
  return {
    lags,
    /** What looks at one stream's content. */
    meterOf: () => {
      const [meter, check] = [lagMeter(lags), orderCheck(report)]
      return (bytes) => {
        meter(bytes)
        check(bytes)
      }
    },
    requireAll: (deliveries) => {
      if (lags.length === deliveries && report.outOfOrder === 0) return
      throw new Error(
        `${lags.length} deliveries of ${deliveries}, ${report.outOfOrder} out of order`,
      )
    },
  }
}
