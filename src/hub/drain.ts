import { setTimeout as sleep } from 'node:timers/promises'
import { type Stream } from './stream.ts'

const WAVE_INTERVAL_MS = 100
/** Fewer at a time spare nobody anything: two streams need not take the whole time. */
const MIN_STREAMS_PER_SECOND = 20

/**
 * Closes streams in waves, evenly over at most `drainMs`, so that their clients come back spread out. Resolves when all have
 * been told; 0: at once.
 */
export async function closeInWaves(
  streams: readonly Stream[],
  drainMs: number,
  close: (stream: Stream) => void,
): Promise<void> {
  const startedMs = performance.now()
  let closed = 0
  while (closed < streams.length) {
    const elapsedMs = performance.now() - startedMs
    const share = drainMs === 0 ? 1 : Math.min(1, (elapsedMs + WAVE_INTERVAL_MS) / drainMs)
    const least = ((elapsedMs + WAVE_INTERVAL_MS) / 1000) * MIN_STREAMS_PER_SECOND
    const target = Math.min(streams.length, Math.ceil(Math.max(streams.length * share, least)))
    for (; closed < target; closed += 1) close(streams[closed] as Stream)
    if (closed < streams.length) await sleep(WAVE_INTERVAL_MS)
  }
}
