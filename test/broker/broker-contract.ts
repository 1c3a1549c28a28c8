import { describe, expect, test } from 'vitest'
import { formatId } from '../../src/position.ts'
import { bytesOf, parseStream } from '../support/parse-stream.ts'
import { waitFor } from '../support/wait.ts'
import { describeEnds } from './contract-ends.ts'
import { describeIdempotency } from './contract-idempotency.ts'
import { describeInspect } from './contract-inspect.ts'
import { describeModel } from './contract-model.ts'
import { describeProofs } from './contract-proofs.ts'
import { describeStarts } from './contract-starts.ts'
import { type CreateBroker, openBroker, requestOf } from './open-broker.ts'

/**
 * What every broker must do (`src/broker/broker.ts`, protocol §2, §4, §5). It knows nothing but the interface and the
 * options, and gives a store time: deliveries are waited for.
 */
export function describeBroker(name: string, create: CreateBroker): void {
  describe(name, () => {
    describeBasics(create)
    describeModel(create)
    describeClosing(create)
  })
}

/** All but what runs for long: it uses everything that a broker asks of its store. */
export function describeBasics(create: CreateBroker): void {
  describeStoring(create)
  describeDelivery(create)
  describeStarts(create)
  describeProofs(create)
  describeEnds(create)
  describeIdempotency(create)
  describeInspect(create)
}

function describeStoring(create: CreateBroker): void {
  describe('storing', () => {
    test('what was answered is in the log that replays come from', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const before = broker.position()
      const { position } = await publish('a', { data: 'x' })
      expect(await resume('a', before)).toMatchObject({ positions: [position], data: ['x'] })
    })

    test('ids strictly rise, over calls, batches and channels', async () => {
      const { broker, publish } = await openBroker(create)
      const positions: number[] = [broker.position()]
      for (let i = 0; i < 20; i += 1) positions.push((await publish(`c${i % 3}`)).position)
      const results = await broker.publish(
        Array.from({ length: 200 }, (_, i) => requestOf(`c${i % 5}`, {})),
      )
      for (const result of results) if ('position' in result) positions.push(result.position)
      positions.push((await publish('c0')).position)
      expect(positions).toHaveLength(222)
      expect(positions.every((position, i) => i === 0 || position > positions[i - 1]!)).toBe(true)
    })

    test('publishes at the same time get different ids', async () => {
      const { publish } = await openBroker(create)
      const stored = await Promise.all(Array.from({ length: 100 }, () => publish('a')))
      expect(new Set(stored.map(({ position }) => position)).size).toBe(100)
    })

    test('a message to several channels has one id', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const before = broker.position()
      const { position } = await publish(['a', 'b', 'c'], { data: 'x' })
      for (const channel of ['a', 'b', 'c']) {
        expect((await resume(channel, before)).positions).toEqual([position])
      }
      expect((await resume(['c', 'a', 'b'], before)).data).toEqual(['x'])
    })

    test('a batch is stored one after the other, one result each', async () => {
      const { broker, resume } = await openBroker(create)
      const before = broker.position()
      const data = Array.from({ length: 50 }, (_, i) => `${i}`)
      const results = await broker.publish(data.map((one) => requestOf('a', { data: one })))
      const replay = await resume('a', before)
      expect(replay.data).toEqual(data)
      expect(results).toEqual(
        replay.positions.map((position) => ({ position, isDuplicate: false })),
      )
    })

    test('a refused one of a batch does not hinder the others', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const before = broker.position()
      await publish('ended', { isEnd: true })
      const results = await broker.publish([
        requestOf('a', { data: '1' }),
        requestOf('ended', { data: '2' }),
        requestOf('a', { data: '3' }),
      ])
      expect(results.map((result) => 'error' in result)).toEqual([false, true, false])
      expect((await resume('a', before)).data).toEqual(['1', '3'])
    })

    test('nothing of a publish: no results', async () => {
      const { broker } = await openBroker(create)
      expect(await broker.publish([])).toEqual([])
    })
  })
}

function describeDelivery(create: CreateBroker): void {
  describe('delivery', () => {
    test('a subscribed channel hears each message once, already in its log', async () => {
      const { delivered, join, publish } = await openBroker(create)
      const [log] = await join('a')
      const { position } = await publish('a', { data: 'x', event: 'e', retry: 2000 })
      await waitFor('the delivery', () => delivered.length > 0)
      expect(delivered).toMatchObject([{ channel: 'a', message: { position } }])
      expect(log!.newest).toBe(delivered[0]!.message)
      const parsed = parseStream([bytesOf(delivered[0]!.message.frame)])
      expect(parsed.events).toEqual([{ data: 'x', event: 'e', id: formatId(position) }])
      expect(parsed.retries).toEqual([2000])
    })

    test('the messages of all channels come in the order of their ids', async () => {
      const { delivered, join, publish } = await openBroker(create)
      await join('a', 'b', 'c')
      const stored = await Promise.all(
        Array.from({ length: 90 }, (_, i) => publish('abc'.charAt(i % 3))),
      )
      await waitFor('90 deliveries', () => delivered.length >= 90)
      expect(delivered.map(({ message }) => message.position)).toEqual(
        stored.map(({ position }) => position).sort((x, y) => x - y),
      )
    })

    test('a message of several channels comes once for each that is subscribed', async () => {
      const { delivered, join, publish } = await openBroker(create)
      await join('a', 'b')
      await publish(['b', 'x', 'a'])
      await publish('a')
      await waitFor('3 deliveries', () => delivered.length >= 3)
      expect(delivered.map(({ channel }) => channel).sort()).toEqual(['a', 'a', 'b'])
      expect(new Set(delivered.map(({ message }) => message.position)).size).toBe(2)
    })

    test('channels that are not subscribed are not heard, and no longer after they were', async () => {
      const { delivered, join, leave, publish } = await openBroker(create)
      await join('a', 'b')
      leave('b')
      await publish('b')
      await publish('c')
      await publish('a')
      await waitFor('the delivery of a', () => delivered.some(({ channel }) => channel === 'a'))
      expect(delivered.map(({ channel }) => channel)).toEqual(['a'])
    })

    test('a DELETE of a channel that is not subscribed is not heard', async () => {
      const { broker, delivered, join, publish } = await openBroker(create)
      await join('a')
      await broker.delete('b')
      await publish('a')
      await waitFor('the delivery of a', () => delivered.some(({ channel }) => channel === 'a'))
      expect(delivered.map(({ channel }) => channel)).toEqual(['a'])
    })

    test('an ephemeral message is heard, without id, and stored nowhere', async () => {
      const { broker, delivered, join, open, publish, resume } = await openBroker(create)
      const [log] = await join('a')
      const before = broker.position()
      const { isDuplicate } = await publish(['a', 'b'], { data: 'typing', isEphemeral: true })
      await publish('a', { data: 'stored' })
      await waitFor('2 deliveries', () => delivered.length >= 2)
      const [ephemeral] = delivered
      expect(isDuplicate).toBe(false)
      expect(ephemeral!.message.isEphemeral).toBe(true)
      expect(parseStream([bytesOf(ephemeral!.message.frame)]).events).toEqual([
        { data: 'typing', event: undefined, id: undefined },
      ])
      expect(log!.length).toBe(1)
      expect((await resume('a', before)).data).toEqual(['stored'])
      expect((await open('b', { kind: 'since', time: 0 })).data).toEqual([])
    })
  })
}

function describeClosing(create: CreateBroker): void {
  test('it is ready, and closes more than once', async () => {
    const { broker } = await openBroker(create)
    expect(broker.isReady).toBe(true)
    await broker.close()
    await broker.close()
  })

  test('whatever comes later is later than the position it tells', async () => {
    const { broker, publish } = await openBroker(create)
    for (let i = 0; i < 50; i += 1) {
      const told = broker.position()
      expect((await publish('a')).position).toBeGreaterThan(told)
      expect(broker.position()).toBeGreaterThanOrEqual(told)
    }
  })
}
