import { describe, expect, test } from 'vitest'
import { BROKERS, startHubOver } from '../support/brokers.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { SECRET, signHmac } from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'

const KEY = 'correct-horse-battery-staple'
const JWT = { PIAZZA_JWT_SECRET: SECRET, PIAZZA_PUBLISH_KEYS: KEY }
const PROXIED = { PIAZZA_TRUST_PROXY: '1' }

const tokenOf = (sub?: string) => ({
  Authorization: `Bearer ${signHmac({ sub, piazza: { subscribe: ['**'] } })}`,
})
const from = (address: string) => ({ 'X-Forwarded-For': address })

const open = (hub: TestHub, names: string, headers: Record<string, string> = {}) =>
  openStream(hub.port, `/channels/${names}`, { headers })

const refusalOf = ({ headers }: RawStream) => headers['piazza-refused']

async function expectOpen(stream: Promise<RawStream>): Promise<RawStream> {
  const opened = await stream
  expect(refusalOf(opened)).toBeUndefined()
  await opened.waitForEvents(1)
  return opened
}

async function expectRefused(
  hub: TestHub,
  reason: string,
  names: string,
  headers: Record<string, string> = {},
) {
  const line = `piazza_streams_refused_total{reason="${reason}"}`
  const before = await hub.metric(line)
  const refused = await open(hub, names, headers)
  expect(refused.status).toBe(200)
  expect(refusalOf(refused)).toBe(reason)
  await waitFor('its retry', () => refused.retry !== undefined)
  expect(refused.body).toMatch(new RegExp(`^: refused: ${reason}\\nretry: \\d+\\n$`))
  expect(await hub.metric(line)).toBe(before + 1)
}

const streamsToBe = (hub: TestHub, count: number) =>
  waitFor(`${count} streams`, async () => (await hub.metric('piazza_streams')) === count)

describe.each(BROKERS)('over %s', (broker) => {
  test('an address has PIAZZA_MAX_STREAMS_PER_IP streams, and no more', async () => {
    const hub = await startHubOver(broker, { ...PROXIED, PIAZZA_MAX_STREAMS_PER_IP: '2' })
    const first = await expectOpen(open(hub, 'a', from('192.0.2.1')))
    await expectOpen(open(hub, 'b', from('192.0.2.1')))
    await expectRefused(hub, 'max-streams-per-ip', 'c', from('192.0.2.1'))
    await expectRefused(hub, 'max-streams-per-ip', 'c', from('::ffff:192.0.2.1'))
    await expectOpen(open(hub, 'c', from('192.0.2.2')))
    first.close()
    await streamsToBe(hub, 2)
    await expectOpen(open(hub, 'a', from('192.0.2.1')))
    await expectRefused(hub, 'max-streams-per-ip', 'c', from('192.0.2.1'))
  })

  test('IPv6 addresses of one network are one', async () => {
    const hub = await startHubOver(broker, { ...PROXIED, PIAZZA_MAX_STREAMS_PER_IP: '1' })
    await expectOpen(open(hub, 'a', from('2001:db8:1:2::1')))
    await expectRefused(hub, 'max-streams-per-ip', 'a', from('2001:db8:1:2:ffff::9'))
    await expectOpen(open(hub, 'a', from('2001:db8:1:3::1')))
  })

  test('a subject has PIAZZA_MAX_STREAMS_PER_SUBJECT streams, a key any number', async () => {
    const hub = await startHubOver(broker, { ...JWT, PIAZZA_MAX_STREAMS_PER_SUBJECT: '1' })
    const alice = await expectOpen(open(hub, 'a', tokenOf('alice')))
    await expectRefused(hub, 'max-streams-per-subject', 'b', tokenOf('alice'))
    await expectOpen(open(hub, 'a', tokenOf('bob')))
    await expectOpen(open(hub, 'a', tokenOf()))
    for (let i = 0; i < 3; i += 1) {
      await expectOpen(open(hub, 'a', { Authorization: `Bearer ${KEY}` }))
    }
    alice.close()
    await streamsToBe(hub, 5)
    await expectOpen(open(hub, 'b', tokenOf('alice')))
  })

  test('a channel has PIAZZA_MAX_STREAMS_PER_CHANNEL streams', async () => {
    const hub = await startHubOver(broker, { PIAZZA_MAX_STREAMS_PER_CHANNEL: '2' })
    await expectOpen(open(hub, 'a,b'))
    const second = await expectOpen(open(hub, 'b,c'))
    await expectRefused(hub, 'max-streams-per-channel', 'c,b')
    await expectOpen(open(hub, 'a,c'))
    second.close()
    await streamsToBe(hub, 2)
    await expectOpen(open(hub, 'b'))
  })

  test('the process has PIAZZA_MAX_CHANNELS channels with streams', async () => {
    const hub = await startHubOver(broker, { PIAZZA_MAX_CHANNELS: '3' })
    const first = await expectOpen(open(hub, 'a,b'))
    await expectRefused(hub, 'max-channels', 'b,c,d')
    await expectOpen(open(hub, 'b,c'))
    await expectRefused(hub, 'max-channels', 'd')
    await expectOpen(open(hub, 'a,b,c'))
    first.close()
    await streamsToBe(hub, 2)
    await expectRefused(hub, 'max-channels', 'd') // a is in the third too
  })

  test('PIAZZA_STREAM_RATE and PIAZZA_STREAM_RATE_PER_IP bound new streams', async () => {
    const hub = await startHubOver(broker, {
      ...PROXIED,
      PIAZZA_STREAM_RATE: '3/s',
      PIAZZA_STREAM_RATE_PER_IP: '2/s',
    })
    const addresses = ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.3']
    const streams = await Promise.all(addresses.map((address) => open(hub, 'a', from(address))))
    const reasons = streams.map((stream) => refusalOf(stream) ?? 'open')
    expect(reasons.toSorted()).toEqual([
      'open',
      'open',
      'open',
      'stream-rate',
      'stream-rate-per-ip',
    ])
    await waitFor('the rate to allow more', async () => {
      const stream = await open(hub, 'a', from('192.0.2.4'))
      return refusalOf(stream) === undefined
    })
  })
})

test('a limit is looked at behind rights: who may not subscribe hears that', async () => {
  const hub = await startHub({ ...JWT, PIAZZA_MAX_STREAMS_PER_CHANNEL: '1' })
  await expectOpen(open(hub, 'a', tokenOf('alice')))
  expect((await open(hub, 'a')).status).toBe(401)
  expect((await request(hub.port, 'GET', '/channels/a..b', tokenOf('bob'))).status).toBe(400)
  await expectRefused(hub, 'max-streams-per-channel', 'a', tokenOf('bob'))
})

test('PIAZZA_OVERLOAD_STATUS=503 holds for every limit', async () => {
  const hub = await startHub({ PIAZZA_MAX_STREAMS_PER_IP: '1', PIAZZA_OVERLOAD_STATUS: '503' })
  await expectOpen(open(hub, 'a'))
  const answer = await request(hub.port, 'GET', '/channels/a')
  expect(answer.status).toBe(503)
  expect(answer.headers['piazza-refused']).toBe('max-streams-per-ip')
  expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
})
