import { expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

const errorLine = (code: string) => `piazza_http_errors_total{code="PIAZZA_ERR_${code}"}`

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

function timeOf(work: () => unknown): number {
  const startedMs = performance.now()
  work()
  return performance.now() - startedMs
}

test('every publish that was read is measured, from before it was parsed', async () => {
  const hub = await startHub({ PIAZZA_MAX_BODY_BYTES: '8MiB' })
  const statuses = [
    (await hub.publish({ channel: 'a', data: 1 })).status,
    (await hub.publish('{"channel":')).status,
    (await hub.publish({ channel: 'a', data: 2, end: true })).status,
    (await hub.publish({ channel: 'a', data: 3 })).status,
    (await request(hub.port, 'POST', '/channels/a', {}, 'late')).status,
    (await request(hub.port, 'POST', '/channels/b')).status,
  ]
  expect(statuses).toEqual([201, 400, 201, 409, 409, 201])
  expect(await hub.metric('piazza_publish_duration_seconds_count')).toBe(statuses.length)
  const sum = await hub.metric('piazza_publish_duration_seconds_sum')
  const large = `{"channel":"b","data":${JSON.stringify(Array.from({ length: 500_000 }, () => 1))}}`
  const parseMs = Math.min(...Array.from({ length: 5 }, () => timeOf(() => JSON.parse(large))))
  expect((await hub.publish(large)).status).toBe(201)
  const tookMs = ((await hub.metric('piazza_publish_duration_seconds_sum')) - sum) * 1000
  expect(tookMs).toBeGreaterThan(parseMs / 2)
})

test('the first error of a batch is counted like that of a single publish', async () => {
  const hub = await startHub()
  await hub.send('over', 'bye', { end: true })
  await hub.send('a', 'x', { idempotencyKey: 'k' })
  const ended = { channel: 'over', data: 'late' }
  const reused = { channel: 'a', data: 'other', idempotencyKey: 'k' }
  expect((await hub.publish([{ channel: 'a', data: 1 }, ended, reused])).status).toBe(409)
  expect(await hub.metric(errorLine('CHANNEL_ENDED'))).toBe(1)
  expect(await hub.metric(errorLine('IDEMPOTENCY_KEY_REUSED'))).toBe(0)
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
