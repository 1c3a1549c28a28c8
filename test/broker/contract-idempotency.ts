import { describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait.ts'
import { type CreateBroker, openBroker, requestOf } from './open-broker.ts'

/** Protocol §2, `idempotencyKey`. */
export function describeIdempotency(create: CreateBroker): void {
  describe('an idempotency key', () => {
    test('repeated, nothing is stored nor heard, and the first answer comes back', async () => {
      const { broker, delivered, join, publish, resume } = await openBroker(create)
      const before = broker.position()
      await join('a')
      const first = await publish('a', { data: 'x', key: 'k' })
      await publish('a', { data: 'between' })
      const second = await publish('a', { data: 'x', key: 'k' })
      expect(first.isDuplicate).toBe(false)
      expect(second).toEqual({ position: first.position, isDuplicate: true })
      await publish('a', { data: 'last' })
      await waitFor('the last delivery', () => delivered.length >= 3)
      expect(delivered).toHaveLength(3)
      expect((await resume('a', before)).data).toEqual(['x', 'between', 'last'])
    })

    test('fifty at once: one is stored', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const before = broker.position()
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => publish('a', { data: 'x', key: 'k' })),
      )
      expect(answers.filter(({ isDuplicate }) => !isDuplicate)).toHaveLength(1)
      expect(new Set(answers.map(({ position }) => position)).size).toBe(1)
      expect((await resume('a', before)).data).toEqual(['x'])
    })

    test('fifty in one batch: one is stored', async () => {
      const { broker, resume } = await openBroker(create)
      const before = broker.position()
      const results = await broker.publish(
        Array.from({ length: 50 }, () => requestOf('a', { data: 'x', key: 'k' })),
      )
      expect(results.filter((result) => 'position' in result && !result.isDuplicate)).toHaveLength(
        1,
      )
      expect((await resume('a', before)).data).toEqual(['x'])
    })

    test('counts in its scope only', async () => {
      const { publish } = await openBroker(create)
      await publish('a', { data: 'x', key: 'k', scope: 'alice' })
      expect((await publish('a', { data: 'x', key: 'k', scope: 'bob' })).isDuplicate).toBe(false)
      expect((await publish('a', { data: 'x', key: 'k', scope: 'alice' })).isDuplicate).toBe(true)
    })

    test.each([
      ['alice', 'b:k', 'alice:b', 'k'],
      ['a', '","k', 'a","', 'k'],
      ['', '__proto__', '', 'constructor'],
      ['é', 'k', 'e\u0301', 'k'],
    ])('scope %j with key %j is not scope %j with key %j', async (scope, key, scope2, key2) => {
      const { publish } = await openBroker(create)
      await publish('a', { scope, key })
      expect((await publish('a', { scope: scope2, key: key2 })).isDuplicate).toBe(false)
      expect((await publish('a', { scope, key })).isDuplicate).toBe(true)
    })

    test.each([
      ['other data', { data: 'y' }],
      ['another event', { event: 'e' }],
      ['another retry', { retry: 500 }],
      ['an end', { isEnd: true }],
    ])('with %s is refused, and nothing is stored', async (_name, change) => {
      const { broker, publish, resume } = await openBroker(create)
      const before = broker.position()
      await publish('a', { data: 'x', key: 'k' })
      await expect(publish('a', { data: 'x', key: 'k', ...change })).rejects.toMatchObject({
        code: 'PIAZZA_ERR_IDEMPOTENCY_KEY_REUSED',
        statusCode: 422,
      })
      expect((await resume('a', before)).data).toEqual(['x'])
      expect((await publish('a', { data: 'x', key: 'k' })).isDuplicate).toBe(true)
    })

    test('with other channels is refused; their order does not matter', async () => {
      const { publish } = await openBroker(create)
      await publish(['a', 'b'], { key: 'k' })
      expect((await publish(['b', 'a'], { key: 'k' })).isDuplicate).toBe(true)
      for (const channels of [['a'], ['a', 'b', 'c'], ['a', 'c']]) {
        await expect(publish(channels, { key: 'k' })).rejects.toMatchObject({ statusCode: 422 })
      }
    })

    test('of a refused publish is not used up', async () => {
      const { publish } = await openBroker(create)
      await publish('ended', { isEnd: true })
      await expect(publish(['a', 'ended'], { data: 'x', key: 'k' })).rejects.toMatchObject({
        statusCode: 409,
      })
      expect((await publish('a', { data: 'y', key: 'k' })).isDuplicate).toBe(false)
    })

    test('of an end: its repetition is a duplicate, not a publish to an ended channel', async () => {
      const { publish } = await openBroker(create)
      const end = await publish('a', { data: 'bye', isEnd: true, key: 'k' })
      expect(await publish('a', { data: 'bye', isEnd: true, key: 'k' })).toEqual({
        position: end.position,
        isDuplicate: true,
      })
    })

    test('is remembered also when its message is not', async () => {
      const { publish } = await openBroker(create, { maxMessages: 1 })
      const { position } = await publish('a', { data: 'x', key: 'k' })
      await publish('a', { data: 'y' })
      expect(await publish('a', { data: 'x', key: 'k' })).toEqual({ position, isDuplicate: true })
    })

    test('is forgotten after its time', async () => {
      const { publish } = await openBroker(create, { idempotencyMs: 200 })
      const first = await publish('a', { data: 'x', key: 'k' })
      expect((await publish('a', { data: 'x', key: 'k' })).isDuplicate).toBe(true)
      let again = first
      await waitFor('the key to be forgotten', async () => {
        again = await publish('a', { data: 'x', key: 'k' })
        return !again.isDuplicate
      })
      expect(again.position - first.position).toBeGreaterThanOrEqual(199_000)
    })
  })
}
