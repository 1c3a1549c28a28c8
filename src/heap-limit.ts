import { getHeapStatistics } from 'node:v8'

/**
 * Share of V8's heap that logs may take: the rest is for streams, requests and the collector's own room. Filled beyond
 * 0.8 of it with messages, the process ran out of heap (measured with heaps of 256 to 400 MiB).
 */
const LOG_SHARE = 0.6

/** Logs live in V8's heap, which is smaller than the machine: this much of it they can have, bytes. */
export function maxLogBytesFromHeap(heapLimitBytes = getHeapStatistics().heap_size_limit): number {
  return Math.floor(heapLimitBytes * LOG_SHARE)
}
