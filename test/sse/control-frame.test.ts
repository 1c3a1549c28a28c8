import { describe, expect, test } from 'vitest'
import { formatId } from '../../src/position.ts'
import {
  closeFrame,
  endFrame,
  gapFrame,
  HEARTBEAT,
  openFrame,
  PADDING,
  pingFrame,
  positionFrame,
  preamble,
  refusalBody,
} from '../../src/sse/control-frame.ts'
import { type Utf8 } from '../../src/sse/utf8.ts'
import { bytesOf, parseStream } from '../support/parse-stream.ts'

const POSITION = 1_790_000_000_000_000
const ID = formatId(POSITION)

function only(...frames: Utf8[]) {
  const { events } = parseStream([bytesOf(...frames)])
  expect(events).toHaveLength(1)
  const { event, id, data } = events[0]!
  return { event, id, data: JSON.parse(data) as unknown }
}

describe('the opening block', () => {
  test('is a comment, retry, piazza.open, its data and its id, in this order', () => {
    expect(preamble(2345) + openFrame(15, POSITION)).toBe(
      `:\nretry: 2345\nevent: piazza.open\ndata: {"heartbeat":15}\nid: ${ID}\n\n`,
    )
  })

  test('with control=off it has no blank line, and so no event', () => {
    expect(preamble(2345)).toBe(':\nretry: 2345\n')
  })

  test('tells that heartbeats are off', () => {
    expect(only(preamble(2000), openFrame(null, POSITION)).data).toEqual({ heartbeat: null })
  })

  test('padding is one comment of 2 KiB', () => {
    const { comments, events, errors } = parseStream([bytesOf(PADDING)])
    expect({ comments: comments.length, events, errors }).toEqual({
      comments: 1,
      events: [],
      errors: [],
    })
    expect(PADDING.length).toBeGreaterThanOrEqual(2048)
  })
})

test('a heartbeat is a comment without blank line', () => {
  expect(HEARTBEAT).toBe(':\n')
})

describe('control events', () => {
  test('piazza.position says where the stream is', () => {
    expect(only(positionFrame(POSITION))).toEqual({ event: 'piazza.position', id: ID, data: {} })
  })

  test('piazza.ping has no id', () => {
    expect(only(pingFrame(new Date(0)))).toEqual({
      event: 'piazza.ping',
      id: undefined,
      data: { time: '1970-01-01T00:00:00.000Z' },
    })
  })

  test('piazza.end has no id', () => {
    expect(only(endFrame('a.b'))).toEqual({
      event: 'piazza.end',
      id: undefined,
      data: { channel: 'a.b' },
    })
  })

  test('piazza.close says why, when to come back and where to go on', () => {
    expect(closeFrame('drain', POSITION, 4567)).toBe(
      `event: piazza.close\nretry: 4567\ndata: {"reason":"drain"}\nid: ${ID}\n\n`,
    )
    expect(only(closeFrame('deleted', POSITION))).toEqual({
      event: 'piazza.close',
      id: ID,
      data: { reason: 'deleted' },
    })
  })
})

describe('piazza.gap', () => {
  test('names reason, channels and the id given', () => {
    const gap = { reason: 'evicted', channels: ['a', 'b'], after: 1, position: POSITION } as const
    expect(only(gapFrame(gap, 1))).toEqual({
      event: 'piazza.gap',
      id: ID,
      data: { reason: 'evicted', channels: ['a', 'b'], after: formatId(1) },
    })
  })

  test('all channels and an id that is not ours are null', () => {
    const gap = { reason: 'unknown', channels: null, after: undefined, position: POSITION } as const
    expect(only(gapFrame(gap, 0)).data).toEqual({ reason: 'unknown', channels: null, after: null })
  })

  test('its id is left out if it would not be above what the stream was told', () => {
    const gap = { reason: 'evicted', channels: ['a'], after: 1, position: POSITION } as const
    expect(only(gapFrame(gap, POSITION)).id).toBeUndefined()
    expect(only(gapFrame(gap, POSITION + 1)).id).toBeUndefined()
    expect(only(gapFrame(gap, POSITION - 1)).id).toBe(ID)
  })
})

test('a refusal tells when to come back and why, and is no event', () => {
  const { events, retries, comments } = parseStream([bytesOf(refusalBody('max-streams', 3000))])
  expect({ events, retries }).toEqual({ events: [], retries: [3000] })
  expect(comments.join()).toContain('max-streams')
})

describe('what WebKit kept of a block that was cut on the connection before', () => {
  const block = 'event: score\nretry: 5\ndata: half\ndata: whole\nid: zzz\n\n'
  const kept = Array.from({ length: block.length - 1 }, (_, i) => block.slice(0, i + 1))

  test('is not completed by a refusal', () => {
    for (const text of kept) {
      const body = bytesOf(refusalBody('draining', 3000))
      const { events, retries } = parseStream([Buffer.from(text), body])
      expect(events, text).toEqual([])
      expect(retries.at(-1), text).toBe(3000)
    }
  })

  test('is taken up by the opening block', () => {
    for (const text of kept) {
      const opening = bytesOf(preamble(3000), openFrame(15, POSITION))
      const { events, retries } = parseStream([Buffer.from(text), opening])
      expect(events, text).toMatchObject([{ event: 'piazza.open', id: ID }])
      expect(retries.at(-1), text).toBe(3000)
    }
  })
})
