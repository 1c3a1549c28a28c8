import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { Metrics } from '../../src/metrics.ts'
import { type BrokerUnderTest, requestOf } from './open-broker.ts'
import { readGauge } from './open-broker.ts'
import { waitFor } from '../support/wait.ts'
import { measureHeap, openMemoryBroker } from './open-memory-broker.ts'

/** Channels that still have messages, of these. */
async function retained({ open }: BrokerUnderTest, channels: readonly string[]) {
  const found: string[] = []
  for (const channel of channels) {
    const { data } = await open(channel, { kind: 'newest', count: 1000 })
    found.push(...data.map((one) => `${channel}${one}`))
  }
  return found
}

/** Room for exactly so many channels of one message of one character. */
async function roomFor(channels: number): Promise<number> {
  const probe = await openMemoryBroker()
  for (let i = 0; i < channels; i += 1) await probe.publish(`c${i}`, { data: '0' })
  return readGauge(probe, 'piazza_log_bytes')
}

describe('PIAZZA_LOG_TOTAL_BYTES', () => {
  test('the channel that was idle for longest loses its messages first', async () => {
    const opened = await openMemoryBroker({ totalBytes: await roomFor(3) })
    for (const channel of ['a', 'b', 'c']) await opened.publish(channel, { data: '1' })
    expect(await retained(opened, ['a', 'b', 'c'])).toEqual(['a1', 'b1', 'c1'])
    await opened.publish('d', { data: '1' })
    expect(await retained(opened, ['a', 'b', 'c', 'd'])).toEqual(['b1', 'c1', 'd1'])
  })

  test('publishing makes a channel the least idle', async () => {
    const opened = await openMemoryBroker({ totalBytes: (await roomFor(3)) + 200 })
    for (const channel of ['a', 'b', 'c']) await opened.publish(channel, { data: '1' })
    await opened.publish('a', { data: '2' })
    await opened.publish('d', { data: '1' })
    expect(await retained(opened, ['a', 'b', 'c', 'd'])).toEqual(['a1', 'a2', 'c1', 'd1'])
  })

  test('reading does not keep a channel', async () => {
    const opened = await openMemoryBroker({ totalBytes: await roomFor(2) })
    await opened.publish('a', { data: '1' })
    await opened.publish('b', { data: '1' })
    await opened.open('a', { kind: 'since', time: 0 })
    await opened.publish('c', { data: '1' })
    expect(await retained(opened, ['a', 'b', 'c'])).toEqual(['b1', 'c1'])
  })

  test('a busy channel alone keeps its newest messages', async () => {
    const opened = await openMemoryBroker({ totalBytes: await roomFor(2) })
    for (let i = 0; i < 50; i += 1) await opened.publish('a', { data: `${i}` })
    const kept = await retained(opened, ['a'])
    expect(kept.length).toBeGreaterThan(1)
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => `a${50 - kept.length + i}`))
  })

  test('the newest message stays, even if it alone is more', async () => {
    const opened = await openMemoryBroker({ totalBytes: 1000 })
    await opened.publish('a', { data: '1' })
    await opened.publish('b', { data: 'x'.repeat(5000) })
    expect(await retained(opened, ['a', 'b'])).toEqual([`b${'x'.repeat(5000)}`])
  })

  test('what was dropped is counted, and a resume from before it is told', async () => {
    const opened = await openMemoryBroker({ totalBytes: await roomFor(5) })
    const before = opened.broker.position()
    for (let i = 0; i < 20; i += 1) await opened.publish(`c${i}`, { data: '0' })
    expect(opened.metrics.messagesEvictedByTotal).toBe(15)
    expect(await readGauge(opened, 'piazza_log_evicted_messages_total')).toBe(15)
    expect(await readGauge(opened, 'piazza_channels')).toBe(5)
    expect((await opened.resume('c0', before)).opening.gap?.reason).toBe('evicted')
    expect((await opened.resume('c19', before)).opening.gap?.reason).toBe('evicted')
  })

  test('an end that has streams is known until it is too old, however little room there is', async () => {
    const opened = await openMemoryBroker({ totalBytes: await roomFor(2), maxAgeMs: 1000 })
    await opened.join('a')
    await opened.publish('a', { isEnd: true })
    for (let i = 0; i < 20; i += 1) await opened.publish(`c${i}`, { data: '0' })
    await expect(opened.publish('a')).rejects.toMatchObject({ code: 'PIAZZA_ERR_CHANNEL_ENDED' })
    expect((await opened.open('a', { kind: 'now' })).isOver).toBe(true)
    const publish = () =>
      opened.publish('a').then(
        () => true,
        () => false,
      )
    await waitFor('the channel to be open again', publish)
    expect((await opened.open('a', { kind: 'now' })).isOver).toBe(false)
  })

  test('a deleted name stays closed for its time, however little room there is', async () => {
    const opened = await openMemoryBroker({ totalBytes: await roomFor(2) })
    await opened.publish('a', { data: '1' })
    await opened.broker.delete('a')
    for (let i = 0; i < 20; i += 1) await opened.publish(`c${i}`, { data: '0' })
    await expect(opened.publish('a')).rejects.toMatchObject({ code: 'PIAZZA_ERR_CHANNEL_DELETED' })
    expect((await opened.open('a', { kind: 'now' })).isOver).toBe(true)
    expect(await retained(opened, ['c17', 'c18', 'c19'])).toEqual(['c180', 'c190'])
  })

  test('of more deleted names than 100,000 the oldest are free early, and one costs less than 1 KB', async () => {
    const { broker, publish } = await openMemoryBroker()
    const before = measureHeap()
    for (let i = 0; i <= 100_000; i += 1) await broker.delete(`c${i}`)
    expect((measureHeap() - before) / 100_000).toBeLessThan(1000)
    await publish('c0')
    await expect(publish('c1')).rejects.toMatchObject({ code: 'PIAZZA_ERR_CHANNEL_DELETED' })
  })

  test('memory is what is retained: nothing is left over when all has gone', async () => {
    const step = fc.record({
      channels: fc.shuffledSubarray(['a', 'b', 'c', 'd', 'e'], { minLength: 1 }),
      size: fc.integer({ min: 0, max: 3000 }),
      action: fc.constantFrom('publish', 'publish', 'publish', 'end', 'delete', 'join', 'leave'),
    })
    const totalBytes = 8000
    const metrics = new Metrics()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
        try {
          const opened = await openMemoryBroker({
            totalBytes,
            metrics,
            maxMessages: 4,
            maxBytes: 4000,
          })
          const joined = new Set<string>()
          for (const { channels, size, action } of steps) {
            const channel = channels[0]!
            if (action === 'delete') await opened.broker.delete(channel)
            else if (action === 'join' && !joined.has(channel)) await opened.join(channel)
            else if (action === 'leave' && joined.has(channel)) opened.leave(channel)
            else {
              const request = { data: 'x'.repeat(size), isEnd: action === 'end' }
              await opened.broker.publish([requestOf(channels, request)])
            }
            if (action === 'join') joined.add(channel)
            if (action === 'leave') joined.delete(channel)
            expect(await readGauge(opened, 'piazza_log_bytes')).toBeLessThanOrEqual(totalBytes)
          }
          vi.setSystemTime(Date.now() + 2 * 3_600_000)
          vi.advanceTimersByTime(2000)
          expect(await readGauge(opened, 'piazza_log_bytes')).toBe(0)
          expect(await readGauge(opened, 'piazza_channels')).toBe(0)
        } finally {
          vi.useRealTimers()
        }
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    ['short names', 10, 20],
    ['names of 200 characters', 200, 20],
    ['many channels of few messages', 20, 2],
  ])('it counts at least the memory that is used: %s', async (_name, nameLength, perChannel) => {
    const opened = await openMemoryBroker()
    const publish = async (prefix: string, messages: number) => {
      for (let i = 0; i < messages; i += 1) {
        const name = `${prefix}${i % Math.ceil(messages / perChannel)}`.padEnd(nameLength, '.x')
        const { channel } = JSON.parse(JSON.stringify({ channel: name })) as { channel: string }
        await opened.publish(channel, { data: `message ${i}` }) // as a request gives it: a string of its own
      }
    }
    await publish('warm', 2000)
    const [heapBefore, toldBefore] = [measureHeap(), await readGauge(opened, 'piazza_log_bytes')]
    await publish('', 40_000)
    const heap = measureHeap() - heapBefore
    const told = (await readGauge(opened, 'piazza_log_bytes')) - toldBefore
    expect(told).toBeGreaterThan(40_000 * 100)
    expect(heap).toBeLessThan(1.1 * told) // some of it are hash tables that have just grown
  })
})
