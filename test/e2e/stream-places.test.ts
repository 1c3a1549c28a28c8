import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { errors } from '../../src/errors.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { openIdleStreams } from '../support/idle-streams.ts'
import { openStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

const EVERY_LIMIT = (count: number) => ({
  PIAZZA_MAX_STREAMS: `${count}`,
  PIAZZA_MAX_STREAMS_PER_IP: `${count}`,
  PIAZZA_MAX_STREAMS_PER_CHANNEL: `${count}`,
})

const toBeEmpty = (hub: TestHub) =>
  waitFor('no streams', () => hub.app.hub.streamCount === 0, 20_000)

/** All places are free, and not one more than there are. */
async function expectPlaces(hub: TestHub, count: number): Promise<void> {
  await toBeEmpty(hub)
  const streams = []
  for (let i = 0; i < count; i += 1) streams.push(await openStream(hub.port, '/channels/idle'))
  const refusals = streams.map(({ headers }) => headers['piazza-refused'])
  expect(refusals).toEqual(refusals.map(() => undefined))
  expect((await openStream(hub.port, '/channels/idle')).headers).toHaveProperty('piazza-refused')
}

test('10,000 opens and closes leave all places free', async () => {
  const hub = await startHub(EVERY_LIMIT(100))
  for (let round = 0; round < 100; round += 1) {
    const sockets = await openIdleStreams(hub.port, 100)
    for (const socket of sockets) {
      if (round % 2 === 0) socket.destroy()
      else socket.end()
    }
    await toBeEmpty(hub)
  }
  expect(await hub.metric('piazza_streams_opened_total')).toBe(10_000)
  await expectPlaces(hub, 100)
}, 120_000)

test('what becomes no stream gives its place back: HEAD, ended channels, pipelined, a fault', async () => {
  const hub = await startHub(EVERY_LIMIT(2))
  await hub.send('over', '', { end: true })
  const { broker } = hub.app
  const openChannel = broker.open.bind(broker)
  for (let i = 0; i < 5; i += 1) {
    expect((await request(hub.port, 'HEAD', '/channels/idle')).status).toBe(200)
    expect((await request(hub.port, 'GET', '/channels/over')).status).toBe(204)
    const trailer = 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'
    expect((await openStream(hub.port, '/channels/idle', { trailer })).status).toBe(409)
    broker.open = async () => {
      throw new errors.INTERNAL('a fault of the test')
    }
    expect((await openStream(hub.port, '/channels/idle')).status).toBe(500)
    broker.open = openChannel
  }
  await expectPlaces(hub, 2)
})

test('a client that vanishes while its subscribe is under way gives its place back', async () => {
  const hub = await startHub(EVERY_LIMIT(2))
  const { broker } = hub.app
  const openChannel = broker.open.bind(broker)
  const held: (() => void)[] = []
  broker.open = async (...args) => {
    await new Promise<void>((resolve) => held.push(resolve))
    return openChannel(...args)
  }
  for (let i = 0; i < 5; i += 1) {
    const sockets = [connect(hub.port), connect(hub.port)]
    for (const socket of sockets)
      socket.write('GET /channels/idle HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await waitFor('two subscribes under way', () => held.length === 2)
    expect((await openStream(hub.port, '/channels/idle')).headers).toHaveProperty('piazza-refused')
    const isGone = sockets.map((socket) => once(socket, 'close'))
    for (const socket of sockets) socket.resetAndDestroy()
    await Promise.all(isGone)
    for (const goOn of held.splice(0)) goOn()
    await toBeEmpty(hub)
  }
  broker.open = openChannel
  await expectPlaces(hub, 2)
})

test('streams that the hub ends give their places back: a deleted channel, a slow reader, a flood', async () => {
  const hub = await startHub({ ...EVERY_LIMIT(3), PIAZZA_SLOW_STREAM_TIMEOUT: '1s' })
  for (let i = 0; i < 2; i += 1) {
    const name = `gone-${i}`
    const deleted = await openStream(hub.port, `/channels/${name}`)
    const flooding = await openStream(hub.port, '/channels/idle')
    const slow = await openStream(hub.port, '/channels/big')
    slow.pause()
    flooding.socket.write('x'.repeat(20_000))
    await request(hub.port, 'DELETE', `/channels/${name}`)
    for (let n = 0; n < 12; n += 1) await hub.send('big', 'x'.repeat(1_000_000))
    await deleted.waitForClose()
    await flooding.waitForClose()
    await toBeEmpty(hub)
  }
  expect(await hub.metric('piazza_streams_closed_total{reason="slow"}')).toBe(2)
  await expectPlaces(hub, 3)
})
