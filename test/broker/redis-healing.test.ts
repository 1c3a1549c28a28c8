import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Retention } from '../../src/broker/retention.ts'
import { Gate } from '../../src/broker/redis/gate.ts'
import { Healing, type HealingOptions } from '../../src/broker/redis/healing.ts'
import { LocalLogs } from '../../src/broker/redis/local-logs.ts'
import { Metrics } from '../../src/metrics.ts'

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

const LIMITS = { maxMessages: 100, maxBytes: 100_000, maxAgeMs: 3_600_000, totalBytes: 1_000_000 }
const NUMBER = Buffer.from('1700000000000000')
/** What a comparison is answered where nothing has changed. */
const NO_NEWS = [NUMBER, NUMBER, Buffer.from('0'), 0, [], []]

/** A healing whose comparisons are answered at once, and whose fences are heard when the test says so. */
function openHealing() {
  const metrics = new Metrics()
  const replaced: string[] = []
  const fences: number[] = []
  const commands = {
    whenReady: async () => {},
    pause: async () => {},
    run: async (_name: string, args: readonly unknown[]) => {
      fences.push(Number(args[4]))
      return NO_NEWS
    },
  }
  const healing = new Healing({
    commands,
    subscriber: { replace: (reason: string) => replaced.push(reason) },
    logs: new LocalLogs(new Retention(LIMITS, metrics, () => {}), () => {}),
    gate: new Gate(metrics),
    metrics,
    log: { info: () => {}, warn: () => {} },
    fenceChannel: 'fence',
    hear: () => {},
    compare: () => {},
  } as unknown as HealingOptions)
  return { healing, replaced, fences }
}

test('a connection that hears its fence is not replaced when an older comparison waits in vain', async () => {
  const { healing, replaced, fences } = openHealing()
  healing.start('periodic')
  await vi.advanceTimersByTimeAsync(2900)
  healing.abort() // the connection was lost, and has come back
  healing.start('periodic')
  await vi.advanceTimersByTimeAsync(200) // the first one has waited for 3 s
  healing.hearFence(fences.at(-1)!)
  await vi.advanceTimersByTimeAsync(5000)
  expect(fences).toHaveLength(2)
  expect(replaced).toEqual([])
})

test('a connection that does not hear its fence is replaced', async () => {
  const { healing, replaced } = openHealing()
  healing.start('periodic')
  await vi.advanceTimersByTimeAsync(2900)
  expect(replaced).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  expect(replaced).toEqual(['it hears nothing'])
})
