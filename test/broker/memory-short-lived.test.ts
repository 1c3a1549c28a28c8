import { expect, test, vi } from 'vitest'
import { readGauge, requestOf } from './open-broker.ts'
import { holdTime, measureHeap, openMemoryBroker } from './open-memory-broker.ts'

const KIB = 1024
const HOUR_MS = 3_600_000
/** Time stands still for four million publishes, so the hub's clock is 4 s ahead of it. */
const AHEAD_MS = 5000

const MESSAGE = requestOf([], { data: 'a piece of an answer' })
const END = requestOf([], { data: 'bye', isEnd: true })

test('a million short-lived channels, one after the other, end where they began', async () => {
  holdTime()
  const opened = await openMemoryBroker({ totalBytes: 64 * KIB })
  const { broker } = opened
  broker.listen({ deliver: () => {}, miss: () => {}, reopen: () => {} }) // nobody keeps what was delivered
  const live = async (first: number, count: number) => {
    for (let i = first; i < first + count; i += 1) {
      const channel = `session.${i}`
      const message = { ...MESSAGE, channels: [channel] }
      broker.subscribe(channel)
      await broker.publish([message, message, message, { ...END, channels: [channel] }])
      broker.unsubscribe(channel)
    }
  }
  await live(0, 20_000)
  const before = measureHeap()
  const channels = await readGauge(opened, 'piazza_channels')
  await live(20_000, 1_000_000)
  expect(measureHeap() - before).toBeLessThan(2 * KIB * KIB)
  expect(await readGauge(opened, 'piazza_channels')).toBeLessThanOrEqual(channels + 1)
  vi.advanceTimersByTime(HOUR_MS + AHEAD_MS)
  expect(await readGauge(opened, 'piazza_channels')).toBe(0)
  expect(await readGauge(opened, 'piazza_log_bytes')).toBe(0)
}, 120_000)
