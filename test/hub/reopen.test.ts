import { expect, test, vi } from 'vitest'
import { holdTime } from '../broker/open-memory-broker.ts'
import { startHub } from '../support/hub.ts'
import { gapsOf, lastIdOf, textsOf } from '../support/position.ts'
import { openStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

const BIG = '.'.repeat(1_000_000)
/** Of 1 MB: more than the kernel's buffers take of a stalled reader. */
const COUNT = 24

test('a stream that never got to a DELETE is cut before the name is used again', async () => {
  holdTime()
  const hub = await startHub({ PIAZZA_SLOW_STREAM_TIMEOUT: '10m' })
  const paths = ['/channels/a', '/channels/a,b', '/channels/a,b']
  const streams = await Promise.all(paths.map((path) => openStream(hub.port, path)))
  await Promise.all(streams.map((stream) => stream.waitForEvents(1)))
  const [one, two, live] = streams as [
    (typeof streams)[0],
    (typeof streams)[0],
    (typeof streams)[0],
  ]
  for (const stalled of [one, two]) stalled.pause()
  for (let i = 0; i < COUNT; i += 1) await hub.send('a', BIG)
  await waitFor('two to be behind', async () => (await hub.metric('piazza_streams_behind')) === 2)
  await request(hub.port, 'DELETE', '/channels/a')
  await waitFor('the end', () => live.control('end').length === 1)

  vi.setSystemTime(Date.now() + 60_000)
  vi.advanceTimersByTime(1000)
  await hub.send('a', 'new life')
  await waitFor('a live one', () => textsOf(live).at(-1) === 'new life')
  const line = 'piazza_streams_closed_total{reason="deleted"}'
  await waitFor('both to be cut', async () => (await hub.metric(line)) === 2)
  for (const stalled of [one, two]) {
    stalled.resume()
    await stalled.waitForClose()
    expect(textsOf(stalled)).not.toContain('new life')
    const headers = { 'Last-Event-ID': lastIdOf(stalled) }
    const again = await openStream(hub.port, '/channels/a,b', { headers })
    await again.waitForMessages(1)
    expect(gapsOf(again)).toMatchObject([{ reason: 'evicted', channels: ['a'] }])
    expect(textsOf(again)).toEqual(['new life'])
  }
})
