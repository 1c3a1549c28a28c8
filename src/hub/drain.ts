import { setTimeout as sleep } from 'node:timers/promises'
import { type Stream } from './stream.ts'

const WAVE_INTERVAL_MS = 100

/**
 * Closes streams in waves, evenly over `drainMs`, so that their clients come back spread out. Resolves when all have
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
    const target = Math.ceil(streams.length * share)
    for (; closed < target; closed += 1) close(streams[closed] as Stream)
    if (closed < streams.length) await sleep(WAVE_INTERVAL_MS)
  }
}
