/** Lowest to highest of several runs. */
export function range(values, digits = 0) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) =>
    value.toFixed(digits),
  )
  return low === high ? low : `${low} to ${high}`
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
