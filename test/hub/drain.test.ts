import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { closeInWaves } from '../../src/hub/drain.ts'
import { type Stream } from '../../src/hub/stream.ts'

/** A busy machine may be late; here each look at the clock is exactly one interval after the last. */
const INTERVAL_MS = 100

/** Closes so many streams, and tells at what time each was closed (ms). */
async function close(count: number, drainMs: number): Promise<number[]> {
  let nowMs = -INTERVAL_MS
  let looks = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    looks += 1
    if (looks !== 2) nowMs += INTERVAL_MS // the first wave is closed when the drain begins
    return nowMs
  })
  onTestFinished(() => {
    clock.mockRestore()
  })
  const streams = Array.from({ length: count }, (_, i) => ({ i }) as unknown as Stream)
  const closed: Stream[] = []
  const atMs: number[] = []
  await closeInWaves(streams, drainMs, (stream) => {
    closed.push(stream)
    atMs.push(nowMs)
  })
  expect(closed).toEqual(streams)
  return atMs
}

/** How many were closed in each interval. */
function waves(atMs: readonly number[]): number[] {
  const counts: number[] = []
  for (const at of atMs) counts[at / INTERVAL_MS] = (counts[at / INTERVAL_MS] ?? 0) + 1
  return Array.from(counts, (count) => count ?? 0)
}

describe('closing in waves', () => {
  test('spreads streams evenly over the time', async () => {
    expect(waves(await close(1000, 1000))).toEqual(Array.from({ length: 10 }, () => 100))
  })

  test('begins at once and ends within the time', async () => {
    const atMs = await close(50, 700)
    expect(atMs[0]).toBe(0)
    expect(atMs.at(-1)).toBeLessThan(700)
    expect(atMs.at(-1)).toBeGreaterThan(400)
    expect(Math.max(...waves(atMs))).toBeLessThanOrEqual(8)
  })

  test('few streams come one by one', async () => {
    expect(waves(await close(3, 600)).filter((count) => count > 0)).toEqual([1, 1, 1])
  })

  test('a time shorter than a wave is one wave', async () => {
    expect(waves(await close(10, 50))).toEqual([10])
  })

  test('without time all are closed at once', async () => {
    expect(waves(await close(1000, 0))).toEqual([1000])
  })

  test('nobody to close: done', async () => {
    expect(await close(0, 60_000)).toEqual([])
  })
})
