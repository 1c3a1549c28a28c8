import { expect, test } from 'vitest'
import { block, keepBlocking } from '../support/block.ts'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'

test('while the event loop lags new streams are turned away, and those there are go on', async () => {
  const hub = await startHub({ PIAZZA_MAX_LAG: '300ms' })
  const there = await openStream(hub.port, '/channels/a')
  await there.waitForEvents(1)
  const open = () => openStream(hub.port, '/channels/a')
  const stop = keepBlocking(500)
  let late = await open()
  await waitFor('a stream to be turned away', async () => {
    late = await open()
    return late.headers['piazza-refused'] !== undefined
  })
  expect(late.status).toBe(200)
  expect(late.headers['piazza-refused']).toBe('overloaded')
  await waitFor('its retry', () => late.retry !== undefined)
  await hub.send('a', 'hello') // publishes are answered
  await there.waitForMessages(1)
  stop()
  await waitFor('streams to be taken', async () => {
    const { headers } = await open()
    return headers['piazza-refused'] === undefined
  })
  const line = 'piazza_streams_refused_total{reason="overloaded"}'
  expect(await hub.metric(line)).toBeGreaterThanOrEqual(1)
}, 30_000)

test('a single moment turns nobody away', async () => {
  const hub = await startHub({ PIAZZA_MAX_LAG: '1s' })
  block(1500)
  const { headers } = await openStream(hub.port, '/channels/a')
  expect(headers).not.toHaveProperty('piazza-refused')
})

test('nor does anything, where it is off', async () => {
  const hub = await startHub({ PIAZZA_MAX_LAG: 'off' })
  keepBlocking(300)
  for (let i = 0; i < 3; i += 1) {
    const { headers } = await openStream(hub.port, '/channels/a')
    expect(headers).not.toHaveProperty('piazza-refused')
  }
})
