import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { closeInWaves } from '../../src/hub/drain.ts'
import { type Stream } from '../../src/hub/stream.ts'

const INTERVAL_MS = 100

/** A clock that only sleeping moves: a busy machine's timers are late. */
const clock = vi.hoisted(() => ({ nowMs: 0 }))

vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number) => {
    clock.nowMs += ms
  },
}))

beforeEach(() => {
  const now = vi.spyOn(performance, 'now').mockImplementation(() => clock.nowMs)
  onTestFinished(() => {
    now.mockRestore()
  })
})

/** Closes so many streams, and tells at what time each was closed (ms). */
async function close(count: number, drainMs: number): Promise<number[]> {
  const startedMs = clock.nowMs
  const streams = Array.from({ length: count }, (_, i) => ({ i }) as unknown as Stream)
  const closed: Stream[] = []
  const atMs: number[] = []
  await closeInWaves(streams, drainMs, (stream) => {
    closed.push(stream)
    atMs.push(clock.nowMs - startedMs)
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

  test('few streams are not closed all at once either', async () => {
    const counts = waves(await close(6, 20_000))
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(1)
    expect(Math.max(...counts)).toBeLessThanOrEqual(2)
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
