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
  for (const stream of [behind, live]) stream.close()
  await waitFor('them to be gone', async () => (await hub.metric('piazza_streams')) === 0)
  expect(await hub.metric('piazza_replay_messages_count')).toBe(1)
})

test('a replay that a stream leaves in the middle is measured, with the messages it was sent', async () => {
  const hub = await startHub({ PIAZZA_LOG_MAX_BYTES: '64MiB' })
  for (let i = 0; i < 24; i += 1) await hub.send('a', 'x'.repeat(1_000_000)) // more than the kernel takes
  const stream = await openStream(hub.port, '/channels/a?since=all')
  stream.pause()
  await waitFor('it to be sent some', async () => {
    return (await hub.metric('piazza_replayed_messages_total')) > 0
  })
  expect(await hub.metric('piazza_streams_behind')).toBe(1)
  expect(await hub.metric('piazza_replay_messages_count')).toBe(0)
  stream.close()
  await waitFor('it to be gone', async () => (await hub.metric('piazza_streams')) === 0)
  const sent = await hub.metric('piazza_replayed_messages_total')
  expect(sent).toBeLessThan(24)
  expect(await hub.metric('piazza_replay_messages_count')).toBe(1)
  expect(await hub.metric('piazza_replay_messages_sum')).toBe(sent)
})

/** Nothing else of this process runs meanwhile. */
function block(ms: number): void {
  const startedMs = performance.now()
  while (performance.now() - startedMs < ms);
}

test('the lag of each fan-out is measured from its publish, and of nothing that has no streams', async () => {
  const hub = await startHub()
  const { broker } = hub.app
  const publish = broker.publish.bind(broker)
  broker.publish = (requests) => {
    const published = publish(requests)
    block(100) // what is published is fanned out in a later turn
    return published
  }
  const streams = [
    await openStream(hub.port, '/channels/a'),
    await openStream(hub.port, '/channels/a'),
    await openStream(hub.port, '/channels/b'),
  ]
  const startedMs = performance.now()
  await hub.send('nobody', 'x')
  for (const [i, channel] of ['a', 'b', 'a'].entries()) {
    await hub.send(channel, `${i}`)
    await waitFor(`message ${i}`, () => streams.some(({ body }) => body.includes(`data: ${i}\n`)))
  }
  await waitFor('all to be measured', async () => {
    return (await hub.metric('piazza_delivery_lag_seconds_count')) >= 3
  })
  expect(await hub.metric('piazza_delivery_lag_seconds_count')).toBe(3)
  const sum = await hub.metric('piazza_delivery_lag_seconds_sum')
  expect(sum).toBeGreaterThan(0.28)
  expect(sum).toBeLessThan((performance.now() - startedMs) / 1000)
})

test('what is due late is seen in the lag of the event loop', async () => {
  const hub = await startHub()
  const lag = () => hub.metric('nodejs_eventloop_lag_p99_seconds')
  await lag() // each look begins anew
  const startedMs = performance.now()
  await waitFor('the clock of the lag to tick', () => performance.now() - startedMs > 50)
  block(500)
  expect(await lag()).toBeGreaterThan(0.3)
})

test('the logs are told with the channels that have messages, and the bytes of these', async () => {
  const hub = await startHub()
  const bytes = () => hub.metric('piazza_log_bytes')
  await openStream(hub.port, '/channels/quiet')
  expect([await hub.metric('piazza_channels'), await bytes()]).toEqual([0, 0])
  for (const channel of ['a', 'b']) {
    for (let i = 0; i < 10; i += 1) await hub.send(channel, 'x'.repeat(5000))
  }
  expect(await hub.metric('piazza_channels')).toBe(2)
  expect(await hub.metric('piazza_channels_subscribed')).toBe(1)
  const both = await bytes()
  expect(both).toBeGreaterThan(100_000)
  expect(both).toBeLessThan(105_000)
  expect((await request(hub.port, 'DELETE', '/channels/a')).status).toBe(204)
  expect(await hub.metric('piazza_channels')).toBe(1)
  expect(await bytes()).toBe(both / 2)
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
