import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Audience, type Form } from '../../src/hub/audience.ts'
import { type Stream } from '../../src/hub/stream.ts'
import { Log } from '../../src/log/log.ts'
import { createDeletion, type Message } from '../../src/log/message.ts'
import { formatId } from '../../src/position.ts'
import { messageAt } from '../support/messages.ts'
import { bytesOf, parseStream } from '../support/parse-stream.ts'

function audienceOf(channels: readonly string[], form: Partial<Form> = {}): Audience {
  const logs = channels.map((channel) => new Log(channel, 0))
  return new Audience('', channels, logs, { events: undefined, isEnvelope: false, ...form })
}

function eventsOf(audience: Audience, messages: readonly Message[]) {
  const { frames, count, bytes, hasId } = audience.encode(messages)
  const { events } = parseStream([bytesOf(...frames)])
  return { events, count, bytes, hasId }
}

describe('events=', () => {
  const messages = [
    messageAt(1, { data: 'untyped' }),
    messageAt(2, { event: 'score', data: 'scored' }),
    messageAt(3, { event: 'other', data: 'other' }),
  ]

  test.each([
    [undefined, ['untyped', 'scored', 'other']],
    [['score'], ['scored']],
    [['message'], ['untyped']],
    [
      ['message', 'other'],
      ['untyped', 'other'],
    ],
    [['Score', 'never'], []],
  ])('%j', (types, data) => {
    const events = types === undefined ? undefined : new Set(types)
    const encoded = eventsOf(audienceOf(['a'], { events }), messages)
    expect(encoded.events.map((event) => event.data)).toEqual(data)
    expect(encoded.count).toBe(data.length)
    expect(encoded.hasId).toBe(data.length > 0)
  })

  test('a message with end always passes', () => {
    const end = messageAt(4, { event: 'bye', data: 'bye', isEnd: true })
    const { events } = eventsOf(audienceOf(['a'], { events: new Set(['score']) }), [end])
    expect(events.map(({ data }) => data)).toEqual(['bye'])
  })
})

describe('envelope=1', () => {
  test('names the first requested channel that the message went to', () => {
    const message = messageAt(1, { channels: ['c', 'b', 'x'], data: 'hi', event: 'e' })
    const { events } = eventsOf(audienceOf(['a', 'b', 'c'], { isEnvelope: true }), [message])
    expect(JSON.parse(events[0]!.data)).toEqual({
      channel: 'b',
      id: formatId(1),
      event: 'e',
      data: 'hi',
    })
    expect(events[0]?.id).toBe(formatId(1))
  })

  test('of an ephemeral message has no id line', () => {
    const message = messageAt(1, { data: 'hi', isEphemeral: true })
    const { events, hasId } = eventsOf(audienceOf(['a'], { isEnvelope: true }), [message])
    expect({ id: events[0]?.id, hasId }).toEqual({ id: undefined, hasId: false })
  })
})

describe('ends', () => {
  test('a stream of several channels hears of each right behind its message', () => {
    const audience = audienceOf(['a', 'b', 'c'])
    const { events, count } = eventsOf(audience, [
      messageAt(1, { channels: ['b', 'a'], data: 'bye', isEnd: true }),
      messageAt(2, { channels: ['c'], data: 'on' }),
    ])
    expect(events.map(({ event, data }) => event ?? data)).toEqual([
      'bye',
      'piazza.end',
      'piazza.end',
      'on',
    ])
    expect(events.slice(1, 3).map(({ data }) => data)).toEqual([
      '{"channel":"a"}',
      '{"channel":"b"}',
    ])
    expect(count).toBe(2)
  })

  test('only of the channels that it asked for', () => {
    const end = messageAt(1, { channels: ['a', 'x'], isEnd: true })
    const { events } = eventsOf(audienceOf(['a', 'b']), [end])
    expect(events.filter(({ event }) => event === 'piazza.end')).toHaveLength(1)
  })

  test('a deletion is no message, but its end is heard by a stream of several', () => {
    const { events, count } = eventsOf(audienceOf(['a', 'b']), [createDeletion(['a'], 1)])
    expect(events.map(({ event }) => event)).toEqual(['piazza.end'])
    expect(count).toBe(0)
    expect(eventsOf(audienceOf(['a']), [createDeletion(['a'], 1)]).events).toEqual([])
  })

  test('it is over when every channel has ended', () => {
    const audience = audienceOf(['a', 'b'])
    const [a, b] = audience.logs
    a!.append(messageAt(1, { isEnd: true }))
    expect(audience.isOverAt(10)).toBe(false)
    b!.append(messageAt(5, { isEnd: true }))
    expect([audience.isOverAt(4), audience.isOverAt(5)]).toEqual([false, true])
  })
})

describe('ephemeral messages that wait', () => {
  test('are taken up to a position, once and in order', () => {
    const audience = audienceOf(['a'])
    const messages = [1, 2, 3].map((position) => messageAt(position, { isEphemeral: true }))
    for (const message of messages) expect(audience.addEphemeral(message)).toBe(true)
    expect(audience.takeEphemerals(2)).toEqual(messages.slice(0, 2))
    expect(audience.takeEphemerals(9)).toEqual(messages.slice(2))
    expect(audience.takeEphemerals(9)).toEqual([])
  })

  test('of several of its channels wait once', () => {
    const audience = audienceOf(['a', 'b'])
    const message = messageAt(1, { channels: ['a', 'b'], isEphemeral: true })
    audience.addEphemeral(message) // the broker delivers it for each subscribed channel
    audience.addEphemeral(message)
    expect(audience.takeEphemerals(9)).toEqual([message])
  })

  test('are bounded: there is no room for ever more, and room again when they have gone', () => {
    const audience = audienceOf(['a'])
    const data = 'x'.repeat(100_000)
    const add = (position: number) =>
      audience.addEphemeral(messageAt(position, { data, isEphemeral: true }))
    const taken = Array.from({ length: 100 }, (_, i) => add(i + 1)).filter(Boolean).length
    expect(taken).toBeGreaterThan(5)
    expect(taken).toBeLessThan(50)
    audience.takeEphemerals(100)
    expect(add(101)).toBe(true)
  })

  test('one of several channels for which there is no room is refused once', () => {
    const audience = audienceOf(['a', 'b'])
    const data = 'x'.repeat(1_000_000)
    audience.addEphemeral(messageAt(1, { data, isEphemeral: true }))
    const dropped = messageAt(2, { channels: ['a', 'b'], data, isEphemeral: true })
    expect([audience.addEphemeral(dropped), audience.addEphemeral(dropped)]).toEqual([false, true])
    expect(audience.takeEphemerals(9)).toHaveLength(1)
  })

  test('one is taken however large', () => {
    const message = messageAt(1, { data: 'x'.repeat(4_000_000), isEphemeral: true })
    expect(audienceOf(['a']).addEphemeral(message)).toBe(true)
  })
})

test('streams come and go, and each knows its place', () => {
  const step = fc.tuple(fc.boolean(), fc.nat())
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const audience = audienceOf(['a'])
      const present: Stream[] = []
      for (const [isComing, which] of steps) {
        if (isComing || present.length === 0) {
          const stream = { index: 0 } as unknown as Stream
          present.push(stream)
          audience.add(stream)
        } else {
          const [stream] = present.splice(which % present.length, 1)
          audience.remove(stream!)
        }
        expect(new Set(audience.streams)).toEqual(new Set(present))
        for (const stream of present) expect(audience.streams[stream.index]).toBe(stream)
      }
    }),
  )
})
