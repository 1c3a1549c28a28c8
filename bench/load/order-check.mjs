const ID = Buffer.from('\nid: ')

/** Looks at a stream's content piece by piece, and counts ids in `report.ids`, and those that don't rise in `report.outOfOrder`. */
export function orderCheck(report) {
  let last = ''
  let rest = Buffer.alloc(0)
  return (bytes) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    let at = all.indexOf(ID)
    let done = 0
    while (at >= 0) {
      const end = all.indexOf(10, at + ID.length)
      if (end < 0) break
      const id = all.latin1Slice(at + ID.length, end).padStart(16, '0')
      report.ids += 1
      if (id <= last) report.outOfOrder += 1
      last = id
      done = end
      at = all.indexOf(ID, end)
    }
    rest = Buffer.from(all.subarray(done))
  }
}
