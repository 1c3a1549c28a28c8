import { expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'

test('a replay is measured once, with all its messages, and a stream that is live is none', async () => {
  const hub = await startHub()
  const data = 'x'.repeat(1000)
  for (let i = 0; i < 300; i += 1) await hub.send('a', data) // more than one batch
  const behind = await openStream(hub.port, '/channels/a?since=all')
  const live = await openStream(hub.port, '/channels/a')
  await hub.send('a', 'live')
  await waitFor('both to hear it', () =>
    [behind, live].every(({ body }) => body.includes('data: live')),
  )
  expect(await hub.metric('piazza_replay_messages_count')).toBe(1)
  expect(await hub.metric('piazza_replay_messages_sum')).toBe(300)
  expect(await hub.metric('piazza_replayed_messages_total')).toBe(300)
})

test('the age of a stream is measured when it ends', async () => {
  const hub = await startHub()
  const stream = await openStream(hub.port, '/channels/a')
  const openedMs = performance.now()
  await waitFor('half a second', () => performance.now() - openedMs > 500)
  expect(await hub.metric('piazza_stream_age_seconds_count')).toBe(0)
  stream.close()
  await waitFor('its end', async () => (await hub.metric('piazza_streams')) === 0)
  expect(await hub.metric('piazza_stream_age_seconds_count')).toBe(1)
  const age = await hub.metric('piazza_stream_age_seconds_sum')
  expect(age).toBeGreaterThanOrEqual(0.25)
  expect(age).toBeLessThan(10)
})
