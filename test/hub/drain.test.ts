import { describe, expect, test } from 'vitest'
import { closeInWaves } from '../../src/hub/drain.ts'
import { type Stream } from '../../src/hub/stream.ts'

function streams(count: number): Stream[] {
  return Array.from({ length: count }, (_, i) => ({ i }) as unknown as Stream)
}

/** Closes so many, and tells when each was closed (ms) and how long it took. */
async function close(count: number, drainMs: number) {
  const all = streams(count)
  const closed: { stream: Stream; atMs: number }[] = []
  const startedMs = performance.now()
  await closeInWaves(all, drainMs, (stream) => {
    closed.push({ stream, atMs: performance.now() - startedMs })
  })
  expect(closed.map(({ stream }) => stream)).toEqual(all)
  return { atMs: closed.map((one) => one.atMs), tookMs: performance.now() - startedMs }
}

describe('closing in waves', () => {
  test('spreads streams evenly over the time', async () => {
    const { atMs, tookMs } = await close(100, 800)
    const before = (ms: number) => atMs.filter((at) => at < ms).length
    expect(before(50)).toBeLessThanOrEqual(20)
    expect(before(50)).toBeGreaterThan(0)
    expect(before(400)).toBeLessThanOrEqual(65)
    expect(tookMs).toBeGreaterThan(500)
  })

  test('never takes longer than the time, but for the last wave', async () => {
    const { tookMs } = await close(500, 300)
    expect(tookMs).toBeGreaterThan(150)
    expect(tookMs).toBeLessThan(2000) // a busy machine's timers are late
  })

  test('few streams come one by one', async () => {
    const { atMs } = await close(3, 600)
    expect(atMs[1]! - atMs[0]!).toBeGreaterThan(50)
    expect(atMs[2]! - atMs[1]!).toBeGreaterThan(50)
  })

  test('without time all are closed at once', async () => {
    const { atMs } = await close(1000, 0)
    expect(atMs.at(-1)! - atMs[0]!).toBeLessThan(100)
  })

  test('nobody to close: done', async () => {
    expect((await close(0, 60_000)).tookMs).toBeLessThan(1000)
  })
})
