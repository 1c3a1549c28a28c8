import { readFileSync } from 'node:fs'

const SPARE = 200

/** Node raises its soft limit to the hard one, and what it starts inherits that: the hard one must be enough. */
export function requireFiles(streams) {
  const limits = readFileSync('/proc/self/limits', 'latin1')
  const hard = Number(/^Max open files +\S+ +(\S+)/m.exec(limits)[1])
  // `unlimited` is no number
  if (hard < streams + SPARE) {
    throw new Error(
      `${streams} streams need a limit of ${streams + SPARE} open files, and it is ${hard}: raise it as root ` +
        `(ulimit -Hn ${streams + SPARE}), or try with fewer streams (BENCH_SCALE=0.1)`,
    )
  }
}
