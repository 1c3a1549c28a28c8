import { describe, expect, test } from 'vitest'
import { type CreateBroker, openBroker } from './open-broker.ts'

/** Protocol §3: where a stream begins that has no id. */
export function describeStarts(create: CreateBroker): void {
  describe('a first subscribe', () => {
    test('is live only, from a position that a reconnect can use', async () => {
      const { open, publish, resume } = await openBroker(create)
      await publish('a', { data: 'before' })
      const { opening, data } = await open('a', { kind: 'now' })
      expect({ data, gap: opening.gap }).toEqual({ data: [], gap: undefined })
      await publish('a', { data: 'after' })
      const back = await resume('a', opening.position)
      expect({ data: back.data, gap: back.opening.gap }).toEqual({
        data: ['after'],
        gap: undefined,
      })
    })
  })

  describe('since', () => {
    test('a moment: what was published later', async () => {
      const { open, publish } = await openBroker(create)
      const { position: moment } = await publish('a', { data: '1' })
      await publish(['a', 'b'], { data: '2' })
      await publish('b', { data: '3' })
      const { opening, data } = await open(['a', 'b'], { kind: 'since', time: moment })
      expect({ data, gap: opening.gap }).toEqual({ data: ['2', '3'], gap: undefined })
    })

    test('all: the whole, without a gap if nothing was ever dropped', async () => {
      const { open, publish } = await openBroker(create)
      for (const data of ['1', '2', '3']) await publish('a', { data })
      const { opening, data } = await open('a', { kind: 'since', time: 0 })
      expect({ data, gap: opening.gap }).toEqual({ data: ['1', '2', '3'], gap: undefined })
    })

    test('all: a gap first if any message was ever dropped', async () => {
      const { open, publish } = await openBroker(create, { maxMessages: 2 })
      for (const data of ['1', '2', '3']) await publish('a', { data })
      const { opening, data, positions } = await open('a', { kind: 'since', time: 0 })
      expect(data).toEqual(['2', '3'])
      expect(opening.gap).toMatchObject({ reason: 'evicted', channels: ['a'], after: undefined })
      expect(opening.gap!.position).toBe(positions[0]! - 1)
    })

    test('a moment whose later messages were dropped: a gap first', async () => {
      const { broker, open, publish } = await openBroker(create, { maxMessages: 1 })
      const moment = broker.position()
      await publish('a', { data: '1' })
      await publish('a', { data: '2' })
      const { opening, data } = await open('a', { kind: 'since', time: moment })
      expect(data).toEqual(['2'])
      expect(opening.gap?.reason).toBe('evicted')
    })

    test('before the data set began: no reset', async () => {
      const { open, publish } = await openBroker(create)
      await publish('a', { data: '1' })
      const { opening, data } = await open('a', { kind: 'since', time: 1000 })
      expect({ data, gap: opening.gap }).toEqual({ data: ['1'], gap: undefined })
    })

    test('the future: live only', async () => {
      const { broker, open, publish, resume } = await openBroker(create)
      await publish('a', { data: '1' })
      const future = broker.position() + 3_600_000_000
      const { opening, data } = await open('a', { kind: 'since', time: future })
      expect({ data, gap: opening.gap }).toEqual({ data: [], gap: undefined })
      await publish('a', { data: '2' })
      expect((await resume('a', opening.position)).data).toEqual(['2'])
    })
  })

  describe('the newest', () => {
    test('n of each channel, merged, without a gap', async () => {
      const { open, publish } = await openBroker(create, { maxMessages: 3 })
      for (const data of ['a1', 'a2', 'a3', 'a4']) await publish('a', { data })
      for (const data of ['b1', 'b2']) await publish('b', { data })
      await publish(['a', 'b'], { data: 'ab' })
      const { opening, data } = await open(['a', 'b'], { kind: 'newest', count: 2 })
      expect(data).toEqual(['a4', 'b2', 'ab'])
      expect(opening.gap).toBeUndefined()
    })

    test('all that there are, if they are fewer', async () => {
      const { open, publish } = await openBroker(create)
      await publish('a', { data: '1' })
      expect((await open(['a', 'b'], { kind: 'newest', count: 1000 })).data).toEqual(['1'])
    })

    test('of nothing: live, from a position that a reconnect can use', async () => {
      const { open, publish, resume } = await openBroker(create)
      const { opening, data } = await open('a', { kind: 'newest', count: 3 })
      expect(data).toEqual([])
      await publish('a', { data: '1' })
      expect((await resume('a', opening.position)).data).toEqual(['1'])
    })

    test('cut before the first of them, a reconnect loses none', async () => {
      const { open, publish, resume } = await openBroker(create)
      for (const data of ['1', '2', '3', '4']) await publish('a', { data })
      const { opening } = await open('a', { kind: 'newest', count: 2 })
      const back = await resume('a', opening.position)
      expect({ data: back.data, gap: back.opening.gap }).toEqual({
        data: ['3', '4'],
        gap: undefined,
      })
    })
  })
}
