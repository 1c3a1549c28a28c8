import { getHeapStatistics } from 'node:v8'

const MIB = 1024 ** 2
/** What lives beside the logs: the program, 100,000 idempotency keys, requests. */
const OTHER_BYTES = 80 * MIB
/** Of what remains; the collector needs the rest. */
const LOG_SHARE = 0.7
/** A hub works with so much, whatever the heap. */
const MIN_LOG_BYTES = MIB

/** What Node, left to itself, keeps for young objects: 1 to 11 % of the limit (measured on Node 20 to 24). */
const YOUNG_SHARE = 1 / 8
/** V8 has up to three halves of it: two that take turns, one for large objects. */
const SEMI_SPACES = 3
const OLD_SPACE_OPTION = /--max[-_]old[-_]space[-_]size=(\d+)/g
const SEMI_SPACE_OPTION = /--max[-_]semi[-_]space[-_]size=(\d+)/g

/**
 * Logs live in V8's heap, which is smaller than the machine: this much of it they can have, bytes. They are old
 * objects, and V8 tells its limit together with that of young ones only. `options`: what Node was started with; a heap
 * of 256 MiB set there has a limit of 304 MiB on Node 20 and 22, and of 448 MiB on Node 24.
 */
export function maxLogBytesFromHeap(
  options: string,
  heapLimitBytes = getHeapStatistics().heap_size_limit,
): number {
  const semiSpaceBytes = lastMebibytes(SEMI_SPACE_OPTION, options)
  const youngBytes =
    semiSpaceBytes === undefined ? heapLimitBytes * YOUNG_SHARE : semiSpaceBytes * SEMI_SPACES
  const oldBytes = lastMebibytes(OLD_SPACE_OPTION, options) ?? heapLimitBytes - youngBytes
  return Math.max(MIN_LOG_BYTES, Math.floor((oldBytes - OTHER_BYTES) * LOG_SHARE))
}

/** Of an option that is given several times the last one counts. */
function lastMebibytes(option: RegExp, options: string): number | undefined {
  const found = [...options.matchAll(option)].at(-1)
  return found === undefined ? undefined : Number(found[1]) * MIB
}
