import { describe, expect, test } from 'vitest'
import { currentPosition, formatId } from '../../src/position.ts'
import { waitFor } from '../support/wait.ts'
import { type CreateBroker, openBroker } from './open-broker.ts'

const SHORT_AGE_MS = 500

/** Protocol §4: a resume is complete, or a gap says why not; and if it can be proved, there is never a gap. */
export function describeProofs(create: CreateBroker): void {
  describe('a resume that is complete', () => {
    test('gets every later message of its channels once and in order, then goes on live', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const before = broker.position()
      const stored: number[] = []
      for (const channels of [['a'], ['b'], ['a', 'b'], ['c'], ['b', 'c'], ['a']]) {
        stored.push((await publish(channels)).position)
      }
      const { opening, positions } = await resume(['a', 'b'], before)
      expect(opening).toMatchObject({ position: before, gap: undefined })
      expect(positions).toEqual([0, 1, 2, 4, 5].map((i) => stored[i]))
      expect((await resume(['a', 'b'], stored[2]!)).positions).toEqual([stored[4], stored[5]])
    })

    test('at the newest message there is nothing to replay, and it gets a newer position', async () => {
      const { publish, resume } = await openBroker(create)
      const { position } = await publish('a')
      const later = await publish('b')
      const { opening, positions } = await resume('a', position)
      expect({ positions, gap: opening.gap }).toEqual({ positions: [], gap: undefined })
      expect(opening.position).toBeGreaterThanOrEqual(later.position)
    })

    test('of a channel that never existed', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const before = broker.position()
      await publish('other')
      const { opening, positions } = await resume('never', before)
      expect({ positions, gap: opening.gap }).toEqual({ positions: [], gap: undefined })
    })

    test('between the newest message and the clock', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const { position } = await publish('a')
      await waitFor('the clock to go on', () => currentPosition() > position + 1000)
      expect((await resume('a', position + 1)).opening.gap).toBeUndefined()
      expect((await resume('a', broker.position())).opening.gap).toBeUndefined()
    })

    test('at the newest of what was dropped', async () => {
      const { publish, resume } = await openBroker(create, { maxMessages: 2 })
      const stored: number[] = []
      for (let i = 0; i < 5; i += 1) stored.push((await publish('a')).position)
      const { opening, positions } = await resume('a', stored[2]!)
      expect({ positions, gap: opening.gap }).toEqual({
        positions: stored.slice(3),
        gap: undefined,
      })
    })
  })

  describe('evicted', () => {
    test('one gap just below what follows; what is retained follows', async () => {
      const { broker, publish, resume } = await openBroker(create, { maxMessages: 2 })
      const before = broker.position()
      const stored: number[] = []
      for (let i = 0; i < 5; i += 1) stored.push((await publish('a')).position)
      const { opening, positions } = await resume('a', before)
      expect(positions).toEqual(stored.slice(3))
      expect(opening.position).toBe(before)
      expect(opening.gap).toEqual({
        reason: 'evicted',
        channels: ['a'],
        after: before,
        position: stored[3]! - 1,
      })
    })

    test('the gap is said once: a resume from it is complete', async () => {
      const { broker, publish, resume } = await openBroker(create, { maxMessages: 2 })
      const before = broker.position()
      for (let i = 0; i < 5; i += 1) await publish('a')
      const first = await resume('a', before)
      const second = await resume('a', first.opening.gap!.position)
      expect(second.opening.gap).toBeUndefined()
      expect(second.positions).toEqual(first.positions)
    })

    test('one of several channels: the gap names it, and the others are complete', async () => {
      const { broker, publish, resume } = await openBroker(create, { maxMessages: 2 })
      const before = broker.position()
      const b1 = await publish('b')
      const stored: number[] = []
      for (let i = 0; i < 4; i += 1) stored.push((await publish('a')).position)
      const { opening, positions } = await resume(['a', 'b', 'never'], before)
      expect(opening.gap).toMatchObject({ channels: ['a'], position: b1.position - 1 })
      expect(positions).toEqual([b1.position, stored[2], stored[3]])
    })

    test('by bytes; the newest message stays', async () => {
      const { broker, publish, resume } = await openBroker(create, { maxBytes: 1000 })
      const before = broker.position()
      await publish('a', { data: 'small' })
      const large = await publish('a', { data: 'x'.repeat(5000) })
      const { opening, positions } = await resume('a', before)
      expect(opening.gap?.reason).toBe('evicted')
      expect(positions).toEqual([large.position])
    })

    test('by age: a gap at the current position, live from there', async () => {
      const { broker, open, publish, resume } = await openBroker(create, { maxAgeMs: SHORT_AGE_MS })
      const before = broker.position()
      const { position } = await publish('a', { data: 'old' })
      await waitFor('the message to age out', async () => {
        return (await open('a', { kind: 'newest', count: 1 })).data.length === 0
      })
      const { opening, positions } = await resume('a', before)
      expect(positions).toEqual([])
      expect(opening.gap).toMatchObject({ reason: 'evicted', channels: ['a'], after: before })
      expect(opening.gap!.position).toBeGreaterThanOrEqual(position)
      expect((await resume('a', position)).opening.gap).toBeUndefined()
      expect((await resume('a', opening.gap!.position)).opening.gap).toBeUndefined()
    })

    test('a channel that was forgotten and is born again does not hide what it had', async () => {
      const { broker, open, publish, resume } = await openBroker(create, { maxAgeMs: SHORT_AGE_MS })
      const before = broker.position()
      const old = await publish('a', { data: 'old' })
      await waitFor('the message to age out', async () => {
        return (await open('a', { kind: 'newest', count: 1 })).data.length === 0
      })
      const fresh = await publish('a', { data: 'new' })
      const { opening, positions } = await resume('a', before)
      expect(opening.gap).toMatchObject({ reason: 'evicted', position: fresh.position - 1 })
      expect(positions).toEqual([fresh.position])
      const afterOld = await resume('a', old.position)
      expect(afterOld.opening.gap).toBeUndefined()
      expect(afterOld.positions).toEqual([fresh.position])
    })

    test('a quiet channel is complete from a position told after others were forgotten', async () => {
      const { broker, open, publish, resume } = await openBroker(create, { maxAgeMs: SHORT_AGE_MS })
      const first = await open('quiet', { kind: 'now' })
      const { position } = await publish('other')
      await waitFor('the clock to be known', () => broker.position() >= position)
      const told = (await resume('quiet', first.opening.position)).opening.position
      expect(told).toBeGreaterThanOrEqual(position)
      await waitFor('the other channel to age out', async () => {
        return (await open('other', { kind: 'newest', count: 1 })).data.length === 0
      })
      const { opening, positions } = await resume('quiet', told)
      expect({ positions, gap: opening.gap }).toEqual({ positions: [], gap: undefined })
    })
  })

  describe('reset', () => {
    test('a position from before the data set began: all that is retained follows', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const began = broker.position()
      const stored = [(await publish('a')).position, (await publish('b')).position]
      const { opening, positions } = await resume(['a', 'b'], 1_000_000)
      expect(opening.gap).toMatchObject({ reason: 'reset', channels: null, after: 1_000_000 })
      expect(opening.gap!.position).toBeLessThanOrEqual(began)
      expect(opening.position).toBe(opening.gap!.position)
      expect(positions).toEqual(stored)
    })

    test('the gap is said once', async () => {
      const { publish, resume } = await openBroker(create)
      const { position } = await publish('a')
      const { opening } = await resume('a', 1_000_000)
      const back = await resume('a', opening.gap!.position)
      expect(back.opening.gap).toBeUndefined()
      expect(back.positions).toEqual([position])
    })
  })

  describe('unknown', () => {
    test.each([
      'garbage',
      '',
      '🦊',
      '0b5e3f5e-8f5a-4f9c-a0c5-2f6f3f7a9c11',
      '1790000000000-0',
      'zzzzzzzzzzz',
      '-1',
      'x'.repeat(8192),
    ])('%j: live from the current position', async (id) => {
      const { open, publish, resume } = await openBroker(create)
      const { position } = await publish('a', { data: 'before' })
      const { opening, data } = await open('a', { kind: 'after', id })
      expect(data).toEqual([])
      expect(opening.gap).toMatchObject({ reason: 'unknown', channels: null, after: undefined })
      expect(opening.gap!.position).toBeGreaterThanOrEqual(position)
      expect(opening.position).toBe(opening.gap!.position)
      await publish('a', { data: 'after' })
      const back = await resume('a', opening.position)
      expect({ data: back.data, gap: back.opening.gap }).toEqual({
        data: ['after'],
        gap: undefined,
      })
    })

    test('a position beyond the clock: else such a stream would wait for ever', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const beyond = broker.position() + 3_600_000_000
      const { opening } = await resume('a', beyond)
      expect(opening.gap).toMatchObject({ reason: 'unknown', after: undefined })
      expect(opening.cursor).toBeLessThan(beyond)
      const { position } = await publish('a')
      expect(position).toBeLessThan(beyond)
      expect((await resume('a', opening.position)).positions).toEqual([position])
    })

    test('a position that grants nothing: only the requested channels are read', async () => {
      const { publish, open } = await openBroker(create)
      const { position } = await publish('secret', { data: 'secret' })
      const replay = await open('a', { kind: 'after', id: formatId(position - 1) })
      expect(replay.data).toEqual([])
    })
  })
}
