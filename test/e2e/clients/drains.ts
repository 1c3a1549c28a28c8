import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type CutPlace } from '../../support/cutting-proxy.ts'
import { type TestHub } from '../../support/hub.ts'
import { waitFor } from '../../support/wait.ts'
import { type Client } from './client.ts'
import { CHANNEL, setStage, type Stage, startHubFor, STEP_MS, TEST_MS } from './stage.ts'

/** With its id. */
export const CLOSE_BLOCK = /event: piazza\.close\nretry: \d+\ndata: .*\nid: (\S+)\n\n/

export const inCloseBlock: CutPlace = (sent) => {
  const block = CLOSE_BLOCK.exec(sent)
  return block === null ? undefined : block.index + block[0].indexOf('id: ') + 'id: 0h'.length
}

/** Nothing is published any more: a page that uses fetch may not see what comes together with a cut. */
export async function prepareCut(stage: Stage, place: CutPlace): Promise<void> {
  await stage.waitForMessages('before the cut')
  stage.proxy.cutAt(place)
}

/**
 * A deploy: a hub is drained while it is published to, and another one takes over. The embedded broker's log goes with
 * its hub, so nothing that was published behind the client's last position can reach it. What can be exact, and is
 * tested: everything up to the position that it was sent away with is heard once, it comes back with that position
 * (while the hub drains it is refused for now, which it must survive), and the successor tells it with a gap that the
 * log was lost.
 */
export function playDrains(client: () => Client): void {
  const tail = 'comes back where it stood, and is told what is lost'
  test(`sent away by a drain, ${tail}`, { timeout: TEST_MS }, () => playDrain(client()))
  test(`cut in a drain, ${tail}`, { timeout: TEST_MS }, () => playDrain(client(), inCloseBlock))
}

async function playDrain(client: Client, place?: CutPlace): Promise<void> {
  const stage = await setStage(client)
  const letGo = await holdDrain(stage.hub)
  let stopPublishing = keepPublishing(() => stage.send('message'))
  await waitFor('some messages', () => stage.messages().length > 5, STEP_MS)
  if (place !== undefined) {
    await stopPublishing()
    await prepareCut(stage, place)
  }
  const closing = stage.hub.app.close(0)
  if (place !== undefined) {
    await stage.proxy.waitForCut('in the close block', STEP_MS)
    stage.proxy.release()
    stopPublishing = keepPublishing(() => stage.send('message'))
  }
  await waitFor(
    'the client to be refused for now',
    () => stage.proxy.requests.some(({ refused }) => refused === 'draining'),
    STEP_MS,
  )
  await stopPublishing()

  const successor = await startHubFor(client)
  stage.proxy.lead(successor.port)
  letGo()
  await closing
  await waitFor(
    'the client to be told of the loss',
    () => stage.follower.heard.some(({ event }) => event === 'piazza.gap'),
    STEP_MS,
  )
  const after = await stage.send('score', successor)
  await waitFor('the message after', () => stage.messages().at(-1)?.id === after.id, STEP_MS)

  const closeId = CLOSE_BLOCK.exec(stage.proxy.sent)![1]!
  const told = stage.sent.filter(({ id }) => id <= closeId)
  expect(stage.messages()).toEqual([...told, after])
  const known = place === undefined ? closeId : told.at(-1)!.id
  expect(new Set(stage.proxy.requests.slice(1).map((request) => request.lastEventId))).toEqual(
    new Set([known]),
  )
  const gap = stage.follower.heard.find(({ event }) => event === 'piazza.gap')!
  expect(JSON.parse(gap.data)).toEqual({ reason: 'reset', channels: null, after: known })
}

/**
 * A peer that leaves its side of the connection open when the hub ends its own: the hub waits for it (5 s at the most),
 * and drains until `letGo`.
 */
async function holdDrain(hub: TestHub): Promise<() => void> {
  const socket = net.connect({ port: hub.port, host: '127.0.0.1', allowHalfOpen: true })
  onTestFinished(() => {
    socket.destroy()
  })
  let received = 0
  socket.on('error', () => {})
  socket.on('data', ({ length }) => {
    received += length
  })
  socket.write(`GET /channels/${CHANNEL}-unused HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  await waitFor('the stream that holds up the drain', () => received > 0)
  return () => socket.destroy()
}

/** Publishes one message after the other until it is stopped. */
export function keepPublishing(send: () => Promise<unknown>): () => Promise<void> {
  const stopped = new AbortController()
  const publishing = (async () => {
    while (!stopped.signal.aborted) await send()
  })()
  publishing.catch(() => {}) // told by `stop`
  const stop = async () => {
    stopped.abort()
    await publishing
  }
  onTestFinished(() => stop().catch(() => {}))
  return stop
}
