import { expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'
import { startRightHaproxy, startRightNginx } from './recipes.ts'

const IDLE_MS = 120_000

// `npm run proxies-idle`; no part of the ordinary run.
test(
  'a stream on which nothing happens for two minutes lives behind either proxy',
  { timeout: 2 * IDLE_MS },
  async () => {
    const hub = await startHub()
    const ports = await Promise.all(
      [startRightNginx, startRightHaproxy].map((start) => start([hub.port, hub.port])),
    )
    const streams = await Promise.all(ports.map((port) => openStream(port, '/channels/a')))
    const startedMs = performance.now()
    const isOver = () => performance.now() - startedMs > IDLE_MS
    const areOpen = () => streams.every(({ isClosed }) => !isClosed)
    await waitFor('two minutes', () => isOver() || !areOpen(), IDLE_MS + 10_000)
    expect(areOpen()).toBe(true)
    await hub.send('a', 'hello')
    for (const stream of streams) await stream.waitForMessages(1, 1000)
  },
)
