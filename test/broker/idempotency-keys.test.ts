import { describe, expect, test } from 'vitest'
import { hashContent } from '../../src/broker/content-hash.ts'
import { IdempotencyKeys } from '../../src/broker/memory/idempotency-keys.ts'
import { Metrics } from '../../src/metrics.ts'
import { requestOf } from './open-broker.ts'

const TTL_MS = 1000

function keys(maxKeys?: number) {
  const metrics = new Metrics()
  const stored = new IdempotencyKeys(TTL_MS, metrics, maxKeys)
  return {
    metrics,
    add: (key: string, nowMs: number) => stored.add({ scope: '', key }, nowMs, 'hash', nowMs),
    has: (key: string, nowMs: number) => stored.find({ scope: '', key }, nowMs) !== undefined,
  }
}

describe('at the most keys there may be', () => {
  test('the oldest is forgotten, and counted', () => {
    const { add, has, metrics } = keys(3)
    for (const key of ['a', 'b', 'c']) add(key, 0)
    expect(metrics.idempotencyKeysForgotten).toBe(0)
    add('d', 0)
    expect(['a', 'b', 'c', 'd'].map((key) => has(key, 0))).toEqual([false, true, true, true])
    expect(metrics.idempotencyKeysForgotten).toBe(1)
  })

  test('what has expired makes room, and is not counted', () => {
    const { add, has, metrics } = keys(3)
    for (const key of ['a', 'b', 'c']) add(key, 0)
    for (const key of ['d', 'e', 'f']) add(key, TTL_MS)
    expect(['a', 'd', 'e', 'f'].map((key) => has(key, TTL_MS))).toEqual([false, true, true, true])
    expect(metrics.idempotencyKeysForgotten).toBe(0)
  })

  test('a key used again after its time is the newest', () => {
    const { add, has } = keys(3)
    add('a', 0)
    add('b', TTL_MS - 1)
    add('a', TTL_MS)
    add('c', TTL_MS)
    add('d', TTL_MS)
    expect(['a', 'b', 'c', 'd'].map((key) => has(key, TTL_MS))).toEqual([true, false, true, true])
  })

  test('a hundred thousand are kept unless told otherwise', () => {
    const { add, has, metrics } = keys()
    for (let i = 0; i < 100_000; i += 1) add(`${i}`, 0)
    expect({ first: has('0', 0), forgotten: metrics.idempotencyKeysForgotten }).toEqual({
      first: true,
      forgotten: 0,
    })
    add('one more', 0)
    expect({ first: has('0', 0), forgotten: metrics.idempotencyKeysForgotten }).toEqual({
      first: false,
      forgotten: 1,
    })
  })

  test('another key costs no more than before', () => {
    const { add } = keys()
    const addAll = (prefix: string, limitMs: number) => {
      const startedMs = performance.now()
      for (let i = 0; i < 100_000; i += 1) {
        add(`${prefix}${i}`, 0)
        if (i % 1000 === 0 && performance.now() - startedMs > limitMs) return Infinity
      }
      return performance.now() - startedMs
    }
    const roomyMs = addAll('a', Infinity)
    expect(addAll('b', 6 * roomyMs)).toBeLessThan(5 * roomyMs)
  })
})

describe('the content a key stands for', () => {
  const plain = { data: 'x', event: 'e', retry: 100 }

  test('is the same whatever the order of its channels', () => {
    expect(hashContent(requestOf(['a', 'b'], plain))).toBe(
      hashContent(requestOf(['b', 'a'], plain)),
    )
  })

  test.each([
    [requestOf('b', plain)],
    [requestOf(['a', 'b'], plain)],
    [requestOf('a', { ...plain, data: 'y' })],
    [requestOf('a', { ...plain, event: '' })],
    [requestOf('a', { ...plain, retry: 101 })],
    [requestOf('a', { data: 'x', event: 'e' })],
    [requestOf('a', { ...plain, isEnd: true })],
    [requestOf('a', { data: '"x', event: 'e', retry: 100 })],
  ])('is another one: %j', (other) => {
    expect(hashContent(other)).not.toBe(hashContent(requestOf('a', plain)))
  })
})
