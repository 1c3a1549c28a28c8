import { expect, test, vi } from 'vitest'
import { type Broker } from '../../src/broker/broker.ts'
import { Audience } from '../../src/hub/audience.ts'
import { Flush } from '../../src/hub/flush.ts'
import { type Stream } from '../../src/hub/stream.ts'
import { Log } from '../../src/log/log.ts'
import { Metrics } from '../../src/metrics.ts'
import { messageAt } from '../support/messages.ts'
import { waitFor } from '../support/wait.ts'

const WRITE_MS = 0.2
const LARGE = 500

function keepBusy(ms: number): void {
  const startedMs = performance.now()
  while (performance.now() - startedMs < ms);
}

/** An audience of so many streams, each of which takes its time for a write and notes whose it was. */
function audienceOf(name: string, count: number, written: string[]): Audience {
  const audience = new Audience(name, [name], [new Log(name, 0)], {
    events: undefined,
    isEnvelope: false,
  })
  for (let i = 0; i < count; i += 1) {
    const stream = {
      audience,
      cursor: 0,
      isOver: false,
      isBehind: false,
      isBlocked: false,
      visitedBy: 0,
      write: () => {
        keepBusy(WRITE_MS)
        written.push(name)
      },
    }
    audience.add(stream as unknown as Stream)
  }
  return audience
}

const publish = (flush: Flush, audience: Audience, position: number) => {
  audience.logs[0]!.append(messageAt(position, { channels: audience.channels }))
  flush.enqueue(audience)
}

test('a small audience does not wait for a large one, and each stream gets every message once', async () => {
  const written: string[] = []
  const broker = {} as unknown as Broker // nobody reads on by itself
  const flush = new Flush({ broker, metrics: new Metrics() })
  const large = audienceOf('large', LARGE, written)
  const small = audienceOf('small', 1, written)
  publish(flush, large, 1)
  publish(flush, small, 2)
  const toLarge = () => written.filter((name) => name === 'large').length
  await waitFor('the small one', () => written.includes('small'))
  expect(written.indexOf('small')).toBeLessThan(LARGE / 2)

  // What is published in the middle of its fan-out is its next.
  publish(flush, large, 3)
  publish(flush, small, 4)
  await waitFor('all', () => toLarge() >= 2 * LARGE)
  expect(toLarge()).toBe(2 * LARGE)
  expect(written.filter((name) => name === 'small')).toHaveLength(2)
  expect(large.streams.every(({ cursor }) => cursor === 3)).toBe(true)
  expect(large.isQueued).toBe(false)
})

test('an ephemeral message in the middle of a fan-out is sent behind it', async () => {
  const written: string[] = []
  const flush = new Flush({ broker: {} as unknown as Broker, metrics: new Metrics() })
  const large = audienceOf('large', LARGE, written)
  publish(flush, large, 1)
  await waitFor('its beginning', () => written.length > 0)
  expect(written.length).toBeLessThan(LARGE)
  large.addEphemeral(messageAt(2, { channels: ['large'], isEphemeral: true }))
  flush.enqueue(large)
  await waitFor('both', () => written.length === 2 * LARGE)
})

test('where the rest of a turn takes long, so does a slice of a fan-out, up to 30 ms', async () => {
  const written: string[] = []
  const flush = new Flush({ broker: {} as unknown as Broker, metrics: new Metrics() })
  const large = audienceOf('large', LARGE, written)
  publish(flush, large, 1)
  await new Promise(setImmediate)
  expect(written.length).toBeLessThan(40) // 2 ms
  await waitFor('all', () => written.length === LARGE)

  publish(flush, large, 2)
  keepBusy(150)
  await new Promise(setImmediate)
  expect(written.length - LARGE).toBeGreaterThan(40)
  expect(written.length - LARGE).toBeLessThan(200)
  await waitFor('all', () => written.length === 2 * LARGE)
})

test('streams that are behind have a part of every turn, beside an audience that never ends', async () => {
  const flush = new Flush({ broker: {} as unknown as Broker, metrics: new Metrics() })
  const parts: number[] = []
  vi.spyOn(flush.catchUp, 'run').mockImplementation((deadlineMs) => {
    parts.push(deadlineMs - performance.now())
  })
  const large = audienceOf('large', LARGE, [])
  publish(flush, large, 1)
  await new Promise(setImmediate)
  expect(parts.at(-1)).toBeGreaterThan(0.5) // of 2 ms
  await waitFor('all', () => !large.isQueued)

  publish(flush, large, 2)
  keepBusy(150)
  await new Promise(setImmediate)
  expect(parts.at(-1)).toBeGreaterThan(5) // of 30 ms
  await waitFor('all', () => !large.isQueued)
})

test('what a flush takes itself does not count as the rest of the turn, whenever the next was asked for', async () => {
  const written: string[] = []
  const flush = new Flush({ broker: {} as unknown as Broker, metrics: new Metrics() })
  const large = audienceOf('large', LARGE, written)
  const small = audienceOf('small', 1, written)
  const first = large.streams.at(-1)! // visited from the end
  const write = first.write.bind(first)
  first.write = (chunk) => {
    publish(flush, small, 2) // in the middle of the flush
    write(chunk)
  }
  publish(flush, large, 1)
  keepBusy(150)
  await new Promise(setImmediate)
  const inFirst = written.length
  expect(inFirst).toBeGreaterThan(40) // 30 ms
  await new Promise(setImmediate)
  expect(written.length - inFirst).toBeLessThan(40) // 2 ms
  await waitFor('all', () => written.length === LARGE + 1)
})
