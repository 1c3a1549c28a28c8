import { EventSource } from 'eventsource'
import { expect, onTestFinished } from 'vitest'
import { type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'

/** The opening block and a message come through in under a second. */
export async function expectFlow(hub: TestHub, port: number): Promise<void> {
  const startedMs = performance.now()
  const stream = await openStream(port, '/channels/a')
  await stream.waitForEvents(1)
  await hub.send('a', 'hello')
  await stream.waitForMessages(1)
  expect(performance.now() - startedMs).toBeLessThan(1000)
}

/** What an EventSource heard behind a proxy. It is closed with the test. */
export interface Follower {
  readonly source: EventSource
  readonly received: string[]
  readonly gaps: string[]
  /** The status that it gave up on. */
  gaveUpOn: number | undefined
}

export function follow(port: number): Follower {
  const source = new EventSource(`http://127.0.0.1:${port}/channels/a`)
  const follower: Follower = { source, received: [], gaps: [], gaveUpOn: undefined }
  source.addEventListener('message', ({ data }) => follower.received.push(data as string))
  source.addEventListener('piazza.gap', ({ data }) => follower.gaps.push(data as string))
  source.addEventListener('error', ({ code }) => {
    if (source.readyState === EventSource.CLOSED) follower.gaveUpOn = code ?? 0
  })
  onTestFinished(() => {
    source.close()
  })
  return follower
}

/** What a drain tells it to wait, and three tries of the proxy, a second apart. */
const GIVES_UP_MS = 18_000

/** An EventSource behind the proxy stops for good when the hub goes away. */
export async function expectGivesUp(hub: TestHub, port: number, status: number): Promise<void> {
  const follower = follow(port)
  await waitFor('the stream', () => follower.source.readyState === EventSource.OPEN)
  await hub.app.close(0)
  await waitFor('it to give up', () => follower.gaveUpOn !== undefined, GIVES_UP_MS)
  expect(follower.gaveUpOn).toBe(status)
}
