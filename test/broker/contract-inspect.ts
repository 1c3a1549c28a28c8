import { describe, expect, test } from 'vitest'
import { waitFor } from '../support/wait.ts'
import { type Broker, type ListPlace } from '../../src/broker/broker.ts'
import { formatId } from '../../src/position.ts'
import { type CreateBroker, openBroker, readGauge } from './open-broker.ts'

const ANY = () => true
const isX = (channel: string) => channel.startsWith('x')

/** Every channel of a listing, page by page. */
async function listAll(broker: Broker, limit: number): Promise<string[][]> {
  const pages: string[][] = []
  let after: ListPlace | undefined
  do {
    const page = await broker.list({ matches: ANY, limit, after })
    pages.push(page.channels.map(({ name }) => name))
    after = page.next
  } while (after !== undefined)
  return pages
}

/** Looking into the store (protocol §8). */
export function describeInspect(create: CreateBroker): void {
  describe('the state of a channel', () => {
    test('counts what is retained', async () => {
      const { broker, publish } = await openBroker(create, { maxMessages: 2 })
      await publish('a', { data: 'dropped' })
      await publish('a', { data: 'x' })
      const { position } = await publish('a', { data: 'é' })
      const state = await broker.inspect('a')
      expect(state).toMatchObject({ name: 'a', newest: position, messages: 2, isEnded: false })
      const id = formatId(position)
      const frames = [`data: x\nid: ${id}\n\n`, `data: é\nid: ${id}\n\n`]
      expect(state.bytes).toBe(Buffer.byteLength(frames.join('')))
    })

    test('of an unknown one is nothing, and does not create it', async () => {
      const { broker } = await openBroker(create)
      const nothing = { name: 'a', newest: undefined, messages: 0, bytes: 0, isEnded: false }
      expect(await broker.inspect('a')).toEqual(nothing)
      expect(await listAll(broker, 10)).toEqual([[]])
    })

    test('of an ended and of a deleted one', async () => {
      const { broker, publish } = await openBroker(create)
      await publish('ended', { isEnd: true })
      await publish('deleted')
      await broker.delete('deleted')
      expect(await broker.inspect('ended')).toMatchObject({ messages: 1, isEnded: true })
      const deleted = { newest: undefined, messages: 0, bytes: 0, isEnded: true }
      expect(await broker.inspect('deleted')).toMatchObject(deleted)
    })
  })

  describe('the number of channels', () => {
    test('is of those that have messages, and are heard here', async () => {
      const opened = await openBroker(create, { maxMessages: 2 })
      const { broker, join, publish } = opened
      const channels = () => readGauge(opened, 'piazza_channels')
      await join('a', 'b', 'no message')
      expect(await channels()).toBe(0)
      for (const channel of ['a', 'a', 'a', 'b']) await publish(channel)
      await publish('no message', { isEphemeral: true })
      await publish('b', { isEnd: true })
      await waitFor('both to be heard', async () => (await channels()) === 2)
      await broker.delete('a')
      await broker.delete('no message')
      await waitFor('one to be deleted', async () => (await channels()) === 1)
    })
  })

  describe('the history of a channel', () => {
    test('is what lies after an id, up to the limit', async () => {
      const { broker, publish } = await openBroker(create)
      const stored = []
      for (let i = 0; i < 5; i += 1) stored.push((await publish('a')).position)
      const after = { kind: 'after', id: formatId(stored[0]!) } as const
      const page = await broker.history('a', after, 3)
      expect(page).toMatchObject({ isComplete: true, hasMore: true, newest: stored[4] })
      expect(page.messages.map(({ position }) => position)).toEqual(stored.slice(1, 4))
      const rest = await broker.history('a', { kind: 'after', id: formatId(stored[3]!) }, 3)
      expect(rest).toMatchObject({ isComplete: true, hasMore: false })
      expect(rest.messages.map(({ position }) => position)).toEqual(stored.slice(4))
    })

    test('is incomplete where messages after the place were dropped', async () => {
      const { broker, publish } = await openBroker(create, { maxMessages: 2 })
      const stored = []
      for (let i = 0; i < 4; i += 1) stored.push((await publish('a')).position)
      const all = await broker.history('a', { kind: 'since', time: 0 }, 10)
      expect(all).toMatchObject({ isComplete: false, hasMore: false })
      expect(all.messages.map(({ position }) => position)).toEqual(stored.slice(2))
      const late = await broker.history('a', { kind: 'after', id: formatId(stored[1]!) }, 10)
      expect(late.isComplete).toBe(true)
    })

    test('of an unknown channel is empty and complete, and does not create it', async () => {
      const { broker } = await openBroker(create)
      expect(await broker.history('a', { kind: 'since', time: 0 }, 10)).toEqual({
        messages: [],
        isComplete: true,
        hasMore: false,
        newest: undefined,
      })
      expect(await listAll(broker, 10)).toEqual([[]])
    })

    test('after an id of no hub is empty, and can not be proved', async () => {
      const { broker, publish } = await openBroker(create)
      const { position } = await publish('a')
      const page = await broker.history('a', { kind: 'after', id: 'nonsense' }, 10)
      expect(page).toEqual({ messages: [], isComplete: false, hasMore: false, newest: position })
    })

    test('of large messages comes in pages of bounded size', async () => {
      const { broker, publish } = await openBroker(create)
      const data = 'x'.repeat(1024 * 1024)
      for (let i = 0; i < 6; i += 1) await publish('a', { data })
      const first = await broker.history('a', { kind: 'since', time: 0 }, 100)
      expect(first.hasMore).toBe(true)
      expect(first.messages.length).toBeGreaterThan(0)
      const last = first.messages.at(-1)!.position
      const second = await broker.history('a', { kind: 'after', id: formatId(last) }, 100)
      expect(first.messages.length + second.messages.length).toBe(6)
    })

    test('of a deleted channel is empty: its owner dropped it', async () => {
      const { broker, publish } = await openBroker(create)
      await publish('a')
      await broker.delete('a')
      const page = await broker.history('a', { kind: 'since', time: 0 }, 10)
      expect(page).toMatchObject({ messages: [], hasMore: false, newest: undefined })
    })
  })

  describe('the list of channels', () => {
    test('has the most recently published first, those with messages only', async () => {
      const { broker, join, publish } = await openBroker(create)
      await join('silent')
      for (const channel of ['a', 'b', 'c', 'a', 'gone']) await publish(channel)
      await publish('typing', { isEphemeral: true })
      await broker.delete('gone')
      expect(await listAll(broker, 10)).toEqual([['a', 'c', 'b']])
    })

    test('counts only what is retained by now, as the state does', async () => {
      const { broker, publish } = await openBroker(create, { maxAgeMs: 500 })
      await publish('a')
      const listed = async () =>
        (await broker.list({ matches: ANY, limit: 10, after: undefined })).channels
      expect(await listed()).toMatchObject([{ messages: 1 }])
      await waitFor('it to age out', async () => (await listed()).length === 0, 3000)
    })

    test('nor what is too old among what is retained', async () => {
      const { broker, publish, resume } = await openBroker(create, { maxAgeMs: 1000 })
      const { position } = await publish('a')
      await publish('a')
      const startedMs = performance.now()
      await waitFor('half of their time', () => performance.now() - startedMs > 700)
      await publish('a')
      const isGone = async () => (await resume('a', position - 1)).positions.length < 3
      await waitFor('the first ones to be too old', isGone, 3000)
      const { messages, bytes } = await broker.inspect('a')
      expect(messages).toBeLessThanOrEqual(1)
      expect(bytes).toBeLessThan(60)
    })

    test('comes in pages, also through a message that went to many channels', async () => {
      const { broker, publish } = await openBroker(create)
      await publish('first')
      await publish(['m3', 'm1', 'm4', 'm2', 'm5'])
      await publish('last')
      expect(await listAll(broker, 2)).toEqual([
        ['last', 'm1'],
        ['m2', 'm3'],
        ['m4', 'm5'],
        ['first'],
      ])
    })

    test('goes on where it was while channels are published to', async () => {
      const { broker, publish } = await openBroker(create)
      for (const channel of ['a', 'b', 'c', 'd']) await publish(channel)
      const { channels, next } = await broker.list({ matches: ANY, limit: 2, after: undefined })
      expect(channels.map(({ name }) => name)).toEqual(['d', 'c'])
      for (const channel of ['c', 'b']) await publish(channel)
      const rest = await broker.list({ matches: ANY, limit: 2, after: next })
      expect(rest.channels.map(({ name }) => name)).toEqual(['a'])
      expect(rest.next).toBeUndefined()
    })

    test('has only what matches, however many do not', async () => {
      const { broker, publish } = await openBroker(create)
      for (let i = 0; i < 30; i += 1) await publish(i % 10 === 0 ? `x${i}` : `y${i}`)
      const page = await broker.list({ matches: isX, limit: 2, after: undefined })
      expect(page.channels.map(({ name }) => name)).toEqual(['x20', 'x10'])
      const rest = await broker.list({ matches: isX, limit: 2, after: page.next })
      expect(rest.channels.map(({ name }) => name)).toEqual(['x0'])
    })
  })
}
