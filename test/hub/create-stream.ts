import net from 'node:net'
import { onTestFinished } from 'vitest'
import { type Audience } from '../../src/hub/audience.ts'
import { Stream } from '../../src/hub/stream.ts'
import { type Position } from '../../src/position.ts'
import { type Exchange } from '../../src/sse/sse-connection.ts'

/** A stream whose socket leads nowhere. `completeTo`: up to there all its channels have been heard. */
export function createStream(audience: Audience, completeTo: Position): Stream {
  const socket = new net.Socket()
  onTestFinished(() => {
    socket.destroy()
  })
  const owner = {
    slowTimeoutMs: 1000,
    tick: 0,
    onWritable: () => {},
    onClosed: () => {},
    position: () => completeTo,
  }
  const request = { socket, httpVersion: '1.1', resume: () => {} }
  const exchange = { request, response: {} } as unknown as Exchange
  const times = { closeAtTick: Infinity, endsAtMs: Infinity, pingTicks: 0 }
  return new Stream(owner, audience, exchange, true, times)
}
