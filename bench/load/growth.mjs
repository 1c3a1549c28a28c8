/** The largest of these costs as a share of the lowest before it; 1: none is above one before. */
export function growthOf(costs) {
  let lowest = Infinity
  let growth = 1
  for (const cost of costs) {
    growth = Math.max(growth, cost / lowest)
    lowest = Math.min(lowest, cost)
  }
  return growth
}
