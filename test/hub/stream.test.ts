import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { Audience } from '../../src/hub/audience.ts'
import { Stream } from '../../src/hub/stream.ts'
import { Log } from '../../src/log/log.ts'
import { type Exchange } from '../../src/sse/sse-connection.ts'

const BEGINNING = 5
const COMPLETE_TO = 7
const LIVE = 10

test('a stream that is ahead by a live message of one channel has not had all that may come late of another', () => {
  const socket = new net.Socket()
  onTestFinished(() => {
    socket.destroy()
  })
  const owner = {
    slowTimeoutMs: 1000,
    tick: 0,
    onWritable: () => {},
    onClosed: () => {},
    position: () => COMPLETE_TO,
  }
  const audience = new Audience('a,b', ['a', 'b'], [new Log('a', 0), new Log('b', 0)], {
    events: undefined,
    isEnvelope: false,
  })
  const request = { socket, httpVersion: '1.1', resume: () => {} }
  const exchange = { request, response: {} } as unknown as Exchange
  const times = { closeAtTick: Infinity, endsAtMs: Infinity, pingTicks: 0 }
  const stream = new Stream(owner, audience, exchange, true, times)
  stream.begin({
    position: BEGINNING,
    gap: undefined,
    messages: [],
    cursor: BEGINNING,
    floors: undefined,
  })
  stream.cursor = LIVE
  expect(stream.advance()).toBe(LIVE)
  const had = [BEGINNING, COMPLETE_TO, LIVE].filter((position) => stream.proved.has(position))
  expect(had).toEqual([BEGINNING, COMPLETE_TO])
})
