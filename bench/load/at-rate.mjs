/** Lets so many through a second, evenly; what could not go in time goes later. Each costs `size`. */
export function atRate(perSecond, size = 1) {
  const startMs = performance.now()
  let passed = 0
  return () => {
    if (passed > ((performance.now() - startMs) / 1000) * perSecond) return false
    passed += size
    return true
  }
}
