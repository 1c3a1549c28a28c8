import { describe, expect, test } from 'vitest'
import { type Opening } from '../../src/broker/broker.ts'
import { Audience } from '../../src/hub/audience.ts'
import { openingFrames, preambleFrames } from '../../src/hub/opening-frames.ts'
import { Log } from '../../src/log/log.ts'
import { formatId } from '../../src/position.ts'
import { messageAt } from '../support/messages.ts'
import { bytesOf, parseStream } from '../support/parse-stream.ts'

interface Given {
  readonly hasControl?: boolean
  readonly hasPadding?: boolean
  readonly opening?: Partial<Opening>
  readonly ended?: readonly string[]
  readonly channels?: readonly string[]
}

const AT = 1000

/** What a stream is told first; `ended` channels ended at 500. */
function open({
  hasControl = true,
  hasPadding = false,
  opening,
  ended = [],
  channels = ['a'],
}: Given) {
  const logs = channels.map((channel) => {
    const log = new Log(channel, 0)
    if (ended.includes(channel)) log.append(messageAt(500, { channels: [channel], isEnd: true }))
    return log
  })
  const frames = openingFrames({
    hasControl,
    audience: new Audience('', channels, logs, { events: undefined, isEnvelope: false }),
    opening: {
      position: AT,
      cursor: AT,
      floors: undefined,
      gap: undefined,
      messages: [],
      ...opening,
    },
    heartbeatSeconds: 15,
  })
  const bytes = bytesOf(...preambleFrames(hasPadding, 3000), ...frames)
  return { text: bytes.toString(), ...parseStream([bytes]) }
}

describe('a stream is told first', () => {
  test('comment, retry, and where it starts', () => {
    expect(open({}).text).toBe(
      `:\nretry: 3000\nevent: piazza.open\ndata: {"heartbeat":15}\nid: ${formatId(AT)}\n\n`,
    )
  })

  test('with control=off: comment and retry, no blank line', () => {
    expect(open({ hasControl: false }).text).toBe(':\nretry: 3000\n')
  })

  test('its first byte is never anything a publisher chose', () => {
    for (const given of [{}, { hasControl: false }, { hasPadding: true }]) {
      expect(open(given).text.startsWith(':')).toBe(true)
    }
  })

  test('with padding=1: 2 KiB of comment before everything', () => {
    const { comments, events, retries, text } = open({ hasPadding: true })
    expect(text.indexOf('retry:')).toBeGreaterThanOrEqual(2048)
    expect(comments.length).toBeGreaterThan(0)
    expect({ retries, events: events.length }).toEqual({ retries: [3000], events: 1 })
  })
})

describe('a gap', () => {
  const gap = { reason: 'evicted', channels: ['a'], after: 100, position: 899 } as const

  test('stands right behind the opening block, and its id above the position given', () => {
    const { events } = open({ opening: { position: 100, cursor: 899, gap } })
    expect(events.map(({ event, id }) => ({ event, id }))).toEqual([
      { event: 'piazza.open', id: formatId(100) },
      { event: 'piazza.gap', id: formatId(899) },
    ])
  })

  test('is told with control=off too: it is the only word of what is missing', () => {
    const { events, retries } = open({
      hasControl: false,
      opening: { position: 100, cursor: 899, gap },
    })
    expect(retries).toEqual([3000])
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({ event: 'piazza.gap', id: formatId(899) })
  })

  test('at the position the opening block told: without a second id', () => {
    const unknown = { reason: 'unknown', channels: null, after: undefined, position: AT } as const
    const { events } = open({ opening: { gap: unknown } })
    expect(events.map(({ id }) => id)).toEqual([formatId(AT), undefined])
  })

  test('where no opening block told it, the gap does', () => {
    const unknown = { reason: 'unknown', channels: null, after: undefined, position: AT } as const
    const { events } = open({ hasControl: false, opening: { gap: unknown } })
    expect(events.map(({ id }) => id)).toEqual([formatId(AT)])
  })
})

describe('channels that had ended', () => {
  test('a stream of several hears of each at once, without id', () => {
    const { events } = open({ channels: ['a', 'b', 'c'], ended: ['a', 'c'] })
    expect(events.slice(1)).toEqual(
      ['a', 'c'].map((channel) => ({
        event: 'piazza.end',
        data: JSON.stringify({ channel }),
        id: undefined,
      })),
    )
  })

  test('not of an end that it is still to be sent', () => {
    const { events } = open({ channels: ['a', 'b'], ended: ['a'], opening: { position: 499 } })
    expect(events).toHaveLength(1)
  })

  test('a stream of one does not: its last message and the close say it', () => {
    expect(open({ ended: ['a'] }).events).toHaveLength(1)
  })
})
