// What processes take, from /proc.
import { readdirSync, readFileSync } from 'node:fs'

/** Of /proc/<pid>/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** The fields behind the name, which may hold blanks and brackets. */
function fieldsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** User and system time of all threads of all these processes. */
export function cpuSecondsOf(pids) {
  const ticks = pids.map((pid) => {
    const fields = fieldsOf(pid)
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, count) => sum + count, 0) / TICKS_PER_SECOND
}

/** Resident bytes of all these processes, what they share counted once. */
export function residentBytesOf(pids) {
  const kilobytes = pids.map((pid) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
    return Number(/^Pss: +(\d+) kB/m.exec(text)[1])
  })
  return kilobytes.reduce((sum, count) => sum + count, 0) * 1024
}

/** All processes that a process has started, and those that these have. */
export function descendantsOf(pid) {
  const children = new Map()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const parent = Number(fieldsOf(name)[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // it has ended meanwhile
    }
  }
  const found = []
  const visit = (parent) => {
    for (const child of children.get(parent) ?? []) {
      found.push(child)
      visit(child)
    }
  }
  visit(pid)
  return found
}
