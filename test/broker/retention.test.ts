import { expect, test } from 'vitest'
import { Retention } from '../../src/broker/retention.ts'
import { Log } from '../../src/log/log.ts'
import { Metrics } from '../../src/metrics.ts'
import { messageAt } from '../support/messages.ts'

const CHANNELS = 80_000
const MESSAGE = messageAt(1)

test('a full budget of many channels costs a publish no more than an empty one', () => {
  const metrics = new Metrics()
  const limits = { maxMessages: 10, maxAgeMs: 3_600_000, maxBytes: 1e6, totalBytes: 64 * 1024 ** 2 }
  const retention = new Retention(limits, metrics, () => {})
  const publishToNew = (prefix: string, limitMs: number) => {
    const startedMs = performance.now()
    for (let i = 0; i < CHANNELS; i += 1) {
      const log = new Log(`${prefix}${i}`, 0)
      retention.change(log, 1, () => log.append(MESSAGE))
      if (i % 1000 === 0 && performance.now() - startedMs > limitMs) return Infinity
    }
    return performance.now() - startedMs
  }
  const emptyMs = publishToNew('a', Infinity)
  const laps = ['b', 'c'].map((prefix) => publishToNew(prefix, 8 * emptyMs))
  expect(metrics.messagesEvictedByTotal).toBeGreaterThan(0)
  expect(Math.max(...laps)).toBeLessThan(6 * emptyMs)
})
