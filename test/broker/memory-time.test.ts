import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { Metrics } from '../../src/metrics.ts'
import { type Position } from '../../src/position.ts'
import { waitFor } from '../support/wait.ts'
import { type BrokerUnderTest, readGauge } from './open-broker.ts'
import { holdTime, openMemoryBroker } from './open-memory-broker.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

/** The clock goes on, and no timer is told. */
function skip(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

/** The clock goes on, and the broker sweeps once. */
function pass(ms: number): void {
  skip(ms)
  vi.advanceTimersByTime(1000)
}

describe('a deleted name', () => {
  test('is closed for 60 s, then it is new', async () => {
    holdTime()
    const { broker, open, publish, resume } = await openMemoryBroker()
    await publish('a', { data: 'old' })
    await broker.delete('a')
    const deleted = broker.position()
    skip(MINUTE_MS - 1)
    await expect(publish('a')).rejects.toMatchObject({ code: 'PIAZZA_ERR_CHANNEL_DELETED' })
    expect((await open('a', { kind: 'now' })).isOver).toBe(true)
    skip(1)
    expect((await open('a', { kind: 'now' })).isOver).toBe(false)
    const { position } = await publish('a', { data: 'new' })
    const { data, positions, opening } = await resume('a', deleted)
    expect({ data, positions, gap: opening.gap }).toEqual({
      data: ['new'],
      positions: [position],
      gap: undefined,
    })
  })

  test('can be published to after 60 s before anybody else has looked', async () => {
    holdTime()
    const { broker, publish } = await openMemoryBroker()
    await broker.delete('a')
    skip(MINUTE_MS)
    expect((await publish('a')).isDuplicate).toBe(false)
  })

  test('is free again also for those that kept their streams', async () => {
    holdTime()
    const { broker, delivered, join, publish, reopened } = await openMemoryBroker()
    const [log] = await join('a', 'b')
    await broker.delete('a')
    await broker.delete('nobody-listens')
    expect(reopened).toEqual([])
    pass(MINUTE_MS)
    expect(reopened).toEqual([{ channel: 'a', isDeleted: true }])
    expect(log!.isDeleted).toBe(false)
    const { position } = await publish('a')
    expect(delivered.at(-1)?.message.position).toBe(position)
    expect(log!.newest?.position).toBe(position)
  })

  test('deleted again, it is closed for another 60 s', async () => {
    holdTime()
    const { broker, publish } = await openMemoryBroker()
    await broker.delete('a')
    skip(MINUTE_MS - 1000)
    await broker.delete('a')
    skip(MINUTE_MS - 1000)
    await expect(publish('a')).rejects.toMatchObject({ code: 'PIAZZA_ERR_CHANNEL_DELETED' })
    skip(1000)
    await publish('a')
  })

  test('is no channel that has messages, neither closed nor free again', async () => {
    holdTime()
    const opened = await openMemoryBroker()
    await opened.publish('a')
    await opened.publish('b')
    expect(await readGauge(opened, 'piazza_channels')).toBe(2)
    await opened.broker.delete('a')
    await opened.broker.delete('never had any')
    expect(await readGauge(opened, 'piazza_channels')).toBe(1)
    pass(MINUTE_MS)
    expect(await readGauge(opened, 'piazza_channels')).toBe(1)
    await opened.publish('a')
    expect(await readGauge(opened, 'piazza_channels')).toBe(2)
  })

  test('leaves nothing behind once its messages would have aged out', async () => {
    holdTime()
    const opened = await openMemoryBroker()
    for (let i = 0; i < 100; i += 1) {
      await opened.publish(`a${i}`)
      await opened.broker.delete(`a${i}`)
    }
    pass(MINUTE_MS)
    pass(HOUR_MS)
    expect(await readGauge(opened, 'piazza_channels')).toBe(0)
    expect(await readGauge(opened, 'piazza_log_bytes')).toBe(0)
  })

  test.each(['nobody', 'a stream that leaves later'])(
    'costs no other channel a gap: a quiet one has lost nothing (it had %s)',
    async (audience) => {
      holdTime()
      const { broker, join, leave, open, publish, resume } = await openMemoryBroker()
      const { opening } = await open('quiet', { kind: 'now' })
      skip(1000)
      if (audience !== 'nobody') await join('a')
      await publish('a', { data: 'x' })
      await broker.delete('a')
      pass(MINUTE_MS)
      if (audience !== 'nobody') leave('a')
      expect((await resume('quiet', opening.position)).opening.gap).toBeUndefined()
    },
  )
})

describe('age', () => {
  test('what is older is dropped without anybody asking', async () => {
    holdTime()
    const opened = await openMemoryBroker({ maxAgeMs: HOUR_MS })
    const before = opened.broker.position()
    await opened.publish('a')
    pass(HOUR_MS - 2000)
    await opened.publish('b')
    expect(await readGauge(opened, 'piazza_channels')).toBe(2)
    pass(4000)
    expect(await readGauge(opened, 'piazza_channels')).toBe(1)
    expect((await opened.resume('a', before)).opening.gap?.reason).toBe('evicted')
    expect((await opened.resume('b', before)).data).toHaveLength(1)
  })

  test('a reader gets nothing that is over age, also between two sweeps', async () => {
    holdTime()
    const { open, publish } = await openMemoryBroker({ maxAgeMs: HOUR_MS })
    await publish('a')
    skip(HOUR_MS + 1)
    expect((await open('a', { kind: 'newest', count: 1 })).data).toEqual([])
  })

  test('thousands of channels go, a bounded number in each turn', async () => {
    holdTime()
    const opened = await openMemoryBroker({ maxAgeMs: HOUR_MS })
    for (let i = 0; i < 7000; i += 1) await opened.publish(`c${i}`)
    pass(HOUR_MS)
    const left = await readGauge(opened, 'piazza_channels')
    expect(left).toBeGreaterThan(0)
    await waitFor('all to go', async () => (await readGauge(opened, 'piazza_channels')) === 0)
    expect(await readGauge(opened, 'piazza_log_bytes')).toBe(0)
  })

  test('an end is remembered as long as it is retained', async () => {
    holdTime()
    const { open, publish } = await openMemoryBroker({ maxAgeMs: HOUR_MS })
    await publish('a', { isEnd: true })
    pass(HOUR_MS - 2000)
    expect((await open('a', { kind: 'now' })).isOver).toBe(true)
    await expect(publish('a')).rejects.toMatchObject({ statusCode: 409 })
    pass(4000)
    expect((await open('a', { kind: 'now' })).isOver).toBe(false)
    await publish('a')
  })
})

describe('a wall clock that steps', () => {
  test('back: ids still rise, nothing is lost', async () => {
    holdTime()
    const { broker, publish, resume } = await openMemoryBroker()
    const before = broker.position()
    const first = await publish('a', { data: '1' })
    skip(-10 * MINUTE_MS)
    const second = await publish('a', { data: '2' })
    expect(second.position).toBeGreaterThan(first.position)
    const { data, opening } = await resume('a', before)
    expect({ data, gap: opening.gap }).toEqual({ data: ['1', '2'], gap: undefined })
  })

  test('back: an idempotency key still guards', async () => {
    holdTime()
    const { publish } = await openMemoryBroker()
    await publish('a', { key: 'k' })
    skip(-10 * MINUTE_MS)
    expect((await publish('a', { key: 'k' })).isDuplicate).toBe(true)
  })

  test('forward: a position told before is still of this hub', async () => {
    holdTime()
    const { broker, publish, resume } = await openMemoryBroker()
    const told = broker.position()
    skip(MINUTE_MS)
    await publish('a', { data: '1' })
    expect((await resume('a', told)).data).toEqual(['1'])
  })
})

test('an idempotency key is remembered for exactly its time', async () => {
  holdTime()
  const { publish } = await openMemoryBroker({ idempotencyMs: 5 * MINUTE_MS })
  await publish('a', { key: 'k' })
  skip(5 * MINUTE_MS - 1)
  expect((await publish('a', { key: 'k' })).isDuplicate).toBe(true)
  skip(1)
  expect((await publish('a', { key: 'k' })).isDuplicate).toBe(false)
})

/** P2: within retention nothing is missed, and nothing is told as missed. */
describe('whatever ages out meanwhile, a resume within the age is complete', () => {
  const CHANNELS = ['a', 'b', 'c', 'd', 'e']
  const step = fc.record({
    action: fc.constantFrom('publish', 'publish', 'join', 'leave', 'resume', 'resume', 'delete'),
    channels: fc.shuffledSubarray(CHANNELS, { minLength: 1, maxLength: 2 }),
    waitMs: fc.oneof(fc.integer({ min: 0, max: 40 * MINUTE_MS }), fc.constant(0)),
    at: fc.nat(),
  })
  type Given = typeof step extends fc.Arbitrary<infer T> ? T : never

  const metrics = new Metrics()

  /** Checks a history of these steps; `delete` is left out unless wanted. */
  async function check(steps: readonly Given[], hasDeletes: boolean): Promise<void> {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
    try {
      const opened: BrokerUnderTest = await openMemoryBroker({ maxAgeMs: HOUR_MS, metrics })
      const stored: { position: Position; channels: readonly string[] }[] = []
      const deletedAt = new Map<string, Position>()
      const told = [opened.broker.position()]
      const joined = new Set<string>()
      for (const { action, channels, waitMs, at } of steps) {
        pass(waitMs)
        const channel = channels[0]!
        if (action === 'publish') {
          const { position } = await opened.publish(channels)
          stored.push({ position, channels })
          told.push(position)
        } else if (action === 'join') {
          if (!joined.has(channel)) await opened.join(channel)
          joined.add(channel)
        } else if (action === 'leave') {
          if (joined.delete(channel)) opened.leave(channel)
        } else if (action === 'delete') {
          if (!hasDeletes) continue
          await opened.broker.delete(channel)
          deletedAt.set(channel, opened.broker.position())
          pass(MINUTE_MS)
        } else {
          const position = told[at % told.length]!
          if (position < (Date.now() - HOUR_MS) * 1000) continue
          if (channels.some((one) => (deletedAt.get(one) ?? 0) > position)) continue
          const { opening, positions } = await opened.resume(channels, position)
          const expected = stored.filter(
            (one) =>
              one.position > position && one.channels.some((name) => channels.includes(name)),
          )
          expect(positions).toEqual(expected.map((one) => one.position))
          expect(opening.gap).toBeUndefined()
          told.push(opening.position)
        }
      }
    } finally {
      vi.useRealTimers()
    }
  }

  test('where no channel is deleted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => check(steps, false)),
      { numRuns: 200 },
    )
  }, 60_000)

  test('also where other channels are deleted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => check(steps, true)),
      { numRuns: 200 },
    )
  }, 60_000)
})
