import { describe, expect, test } from 'vitest'
import { readAfter } from '../../src/log/read.ts'
import { waitFor } from '../support/wait.ts'
import { type CreateBroker, openBroker } from './open-broker.ts'

function codeOf(publish: Promise<unknown>): Promise<unknown> {
  return publish.then(
    () => 'stored',
    (error: unknown) => (error as { code: string }).code,
  )
}

async function openWithMessages(create: CreateBroker) {
  const opened = await openBroker(create)
  const before = opened.broker.position()
  await opened.publish('a', { data: '1' })
  const { position } = await opened.publish('a', { data: '2' })
  return { ...opened, before, position }
}

/** Protocol §5. */
export function describeEnds(create: CreateBroker): void {
  describe('an end', () => {
    test('is the last message: a resume before it gets it, one at or after it is over', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const before = broker.position()
      await publish('a', { data: '1' })
      const end = await publish('a', { data: 'bye', isEnd: true })
      const first = await resume('a', before)
      expect({ data: first.data, isOver: first.isOver }).toEqual({
        data: ['1', 'bye'],
        isOver: false,
      })
      expect((await resume('a', end.position)).isOver).toBe(true)
      expect((await resume('a', broker.position())).isOver).toBe(true)
    })

    test('a first subscribe is over, since=all replays the whole', async () => {
      const { open, publish } = await openBroker(create)
      await publish('a', { data: '1' })
      await publish('a', { data: '2', isEnd: true })
      expect((await open('a', { kind: 'now' })).isOver).toBe(true)
      const all = await open('a', { kind: 'since', time: 0 })
      expect({ data: all.data, isOver: all.isOver }).toEqual({ data: ['1', '2'], isOver: false })
      expect((await open('a', { kind: 'newest', count: 1 })).data).toEqual(['2'])
    })

    test('of one channel is known however old what was heard of another is', async () => {
      const { broker, join, publish, resume } = await openBroker(create)
      await join('a')
      const end = await publish('a', { isEnd: true })
      await resume('a', end.position)
      await broker.delete('b')
      expect((await resume(['a', 'b'], end.position)).isOver).toBe(true)
    })

    test('refuses every later publish, also ephemeral ones', async () => {
      const { broker, publish, resume } = await openBroker(create)
      const before = broker.position()
      const { position } = await publish('a', { isEnd: true })
      expect(await codeOf(publish('a'))).toBe('PIAZZA_ERR_CHANNEL_ENDED')
      expect(await codeOf(publish('a', { isEnd: true }))).toBe('PIAZZA_ERR_CHANNEL_ENDED')
      expect(await codeOf(publish('a', { isEphemeral: true }))).toBe('PIAZZA_ERR_CHANNEL_ENDED')
      expect((await resume('a', before)).positions).toEqual([position])
    })

    test('one ended channel in a list: nothing is stored in any, nor heard', async () => {
      const { broker, delivered, join, publish, resume } = await openBroker(create)
      await publish('ended', { isEnd: true })
      const before = broker.position()
      await join('a', 'b')
      expect(await codeOf(publish(['a', 'ended', 'b'], { data: 'x' }))).toBe(
        'PIAZZA_ERR_CHANNEL_ENDED',
      )
      await publish(['a', 'b'], { data: 'y' })
      expect((await resume(['a', 'b'], before)).data).toEqual(['y'])
      expect(delivered.filter(({ channel }) => channel === 'a')).toHaveLength(1)
    })

    test('ends all its channels at once', async () => {
      const { publish, resume } = await openBroker(create)
      const { position } = await publish(['a', 'b'], { isEnd: true })
      expect(await codeOf(publish('b'))).toBe('PIAZZA_ERR_CHANNEL_ENDED')
      expect((await resume(['a', 'b'], position)).isOver).toBe(true)
    })

    test('of one of several channels is not the end of the others', async () => {
      const { publish, resume } = await openBroker(create)
      const end = await publish('a', { isEnd: true })
      expect((await resume(['a', 'b'], end.position)).isOver).toBe(false)
      const { position } = await publish('b')
      expect((await resume(['a', 'b'], end.position)).positions).toEqual([position])
    })

    test('an id that is not ours on an ended channel: told, and over the next time', async () => {
      const { open, publish, resume } = await openBroker(create)
      await publish('a', { isEnd: true })
      const { opening, isOver } = await open('a', { kind: 'after', id: 'garbage' })
      expect({ reason: opening.gap?.reason, isOver }).toEqual({ reason: 'unknown', isOver: false })
      expect((await resume('a', opening.position)).isOver).toBe(true)
    })

    test('stays when older messages are dropped', async () => {
      const { broker, publish, resume } = await openBroker(create, { maxMessages: 1 })
      const before = broker.position()
      await publish('a')
      const end = await publish('a', { data: 'bye', isEnd: true })
      const late = await resume('a', before)
      expect({ data: late.data, reason: late.opening.gap?.reason }).toEqual({
        data: ['bye'],
        reason: 'evicted',
      })
      expect((await resume('a', end.position)).isOver).toBe(true)
    })
  })

  describe('a DELETE', () => {
    test('drops the log, and every subscribe is over, without a gap', async () => {
      const { before, broker, open, position, resume } = await openWithMessages(create)
      await broker.delete('a')
      for (const after of [before, position, broker.position()]) {
        const { data, isOver, opening } = await resume('a', after)
        expect({ data, isOver, gap: opening.gap }).toEqual({
          data: [],
          isOver: true,
          gap: undefined,
        })
      }
      for (const start of [
        { kind: 'now' },
        { kind: 'since', time: 0 },
        { kind: 'newest', count: 5 },
      ] as const) {
        const { data, isOver } = await open('a', start)
        expect({ data, isOver }).toEqual({ data: [], isOver: true })
      }
    })

    test('its streams hear of it in its place', async () => {
      const { broker, delivered, join, publish } = await openWithMessages(create)
      const [log] = await join('a')
      const { position } = await publish('a', { data: '3' })
      await broker.delete('a')
      await waitFor('the deletion', () => log!.isDeleted)
      expect(log!.endedAt).toBeGreaterThan(position)
      expect(delivered.map(({ message }) => message.isEnd)).toEqual([false, true])
    })

    test('of a channel that had ended is no second end, but one for who had not got so far', async () => {
      const { broker, delivered, join, publish } = await openWithMessages(create)
      const [log] = await join('a')
      const { position } = await publish('a', { isEnd: true })
      await broker.delete('a')
      await broker.delete('a')
      await waitFor('the deletion', () => log!.isDeleted)
      expect(log!.endedAt).toBe(position)
      expect(delivered).toHaveLength(1)
    })

    test('of one channel that ended by a message to several leaves it to the others', async () => {
      const { broker, position, publish, resume } = await openWithMessages(create)
      const end = await publish(['a', 'b'], { data: 'bye', isEnd: true })
      await broker.delete('a')
      for (const channels of [
        ['a', 'b'],
        ['b', 'a'],
      ]) {
        const { data, positions } = await resume(channels, position)
        expect({ data, positions }).toEqual({ data: ['bye'], positions: [end.position] })
      }
    })

    test('of several channels that ended by one message leaves a word of each', async () => {
      const { broker, join, position, publish } = await openWithMessages(create)
      const logs = await join('a', 'b', 'c')
      await publish(['a', 'b'], { isEnd: true })
      for (const channel of ['a', 'b']) await broker.delete(channel)
      const { messages } = readAfter(logs, position, Number.MAX_SAFE_INTEGER)
      expect(messages.flatMap(({ channels }) => channels)).toEqual(['a', 'b'])
    })

    test('refuses publishes to it, with the others of their list', async () => {
      const { broker, publish, resume } = await openWithMessages(create)
      await broker.delete('a')
      const before = broker.position()
      expect(await codeOf(publish('a'))).toBe('PIAZZA_ERR_CHANNEL_DELETED')
      expect(await codeOf(publish(['b', 'a']))).toBe('PIAZZA_ERR_CHANNEL_DELETED')
      expect((await resume('b', before)).data).toEqual([])
    })

    test('of a channel that does not exist, of an ended one, and twice', async () => {
      const { broker, publish, resume } = await openWithMessages(create)
      await broker.delete('never')
      expect(await codeOf(publish('never'))).toBe('PIAZZA_ERR_CHANNEL_DELETED')
      await publish('a', { isEnd: true })
      await broker.delete('a')
      await broker.delete('a')
      expect(await codeOf(publish('a'))).toBe('PIAZZA_ERR_CHANNEL_DELETED')
      expect((await resume(['a', 'never'], broker.position())).isOver).toBe(true)
    })

    test('leaves every other channel as it was', async () => {
      const { before, broker, publish, resume } = await openWithMessages(create)
      const { position } = await publish('b')
      await broker.delete('a')
      const { opening, positions } = await resume(['b', 'quiet'], before)
      expect({ positions, gap: opening.gap }).toEqual({ positions: [position], gap: undefined })
      const mixed = await resume(['a', 'b'], before)
      expect(mixed.opening.gap).toBeUndefined()
      expect({ positions: mixed.positions, isOver: mixed.isOver }).toEqual({
        positions: [position],
        isOver: false,
      })
    })
  })
}
