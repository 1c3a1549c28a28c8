import { expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { SECRET, signHmac } from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'

const KEY = 'a-publish-key-of-24-char'
const BEARER = { authorization: `Bearer ${KEY}` }
const piazza = { subscribe: ['orders.**', 'a'] }
/** The hub looks at a stream at least that late (two ticks), and a loaded machine later. */
const LATE_MS = 1500

function start(settings: Record<string, string> = {}): Promise<TestHub> {
  return startHub({
    PIAZZA_PUBLISH_KEYS: KEY,
    PIAZZA_JWT_SECRET: SECRET,
    PIAZZA_JWT_CLOCK_TOLERANCE: '0s',
    ...settings,
  })
}

const publish = async (hub: TestHub, channel: string, data: string): Promise<string> =>
  (await hub.publish({ channel, data }, BEARER)).json.id

/** When the stream was closed, ms since the epoch. */
async function waitForEnd(stream: RawStream): Promise<number> {
  await waitFor('the end of the stream', () => stream.control('close').length > 0)
  const closedAtMs = Date.now()
  await stream.waitForClose()
  return closedAtMs
}

test.each(['header', 'query', 'cookie'])(
  'a stream ends when its token expires, says so and where to go on: %s',
  async (place) => {
    const hub = await start()
    const expSeconds = Date.now() / 1000 + 1.5
    const token = signHmac({ exp: expSeconds, piazza })
    const headers: Record<string, string> =
      place === 'header'
        ? { Authorization: `Bearer ${token}` }
        : place === 'cookie'
          ? { Cookie: `piazza_token=${token}` }
          : {}
    const path = `/channels/orders.1,a${place === 'query' ? `?token=${token}` : ''}`
    const stream = await openStream(hub.port, path, { headers })
    expect(stream.status).toBe(200)
    const id = await publish(hub, 'orders.1', 'before')
    const closedAtMs = await waitForEnd(stream)
    expect(closedAtMs).toBeGreaterThanOrEqual(expSeconds * 1000)
    expect(closedAtMs).toBeLessThan(expSeconds * 1000 + LATE_MS)
    expect(stream.messages.map(({ data }) => data)).toEqual(['before'])
    const [close] = stream.control('close')
    expect(JSON.parse(close!.data)).toEqual({ reason: 'token-expired' })
    expect(close!.id! >= id).toBe(true)
    expect(stream.isComplete).toBe(true)
    const again = await openStream(hub.port, path, { headers })
    expect(again.status).toBe(401)
    expect(again.body).toContain('PIAZZA_ERR_TOKEN_EXPIRED')
    expect(await hub.metric('piazza_streams_closed_total{reason="token-expired"}')).toBe(1)
  },
)

test('a stream that was opened within the tolerance lasts until its end', async () => {
  const hub = await start({ PIAZZA_JWT_CLOCK_TOLERANCE: '3s' })
  const expSeconds = Date.now() / 1000 - 1
  const token = signHmac({ exp: expSeconds, piazza })
  const stream = await openStream(hub.port, `/channels/a?token=${token}`)
  expect(stream.status).toBe(200)
  const closedAtMs = await waitForEnd(stream)
  expect(closedAtMs).toBeGreaterThanOrEqual((expSeconds + 3) * 1000)
  expect(closedAtMs).toBeLessThan((expSeconds + 3) * 1000 + LATE_MS)
})

test('a reader that takes nothing is cut when its token expires', async () => {
  const hub = await start({ PIAZZA_SLOW_STREAM_TIMEOUT: '1h' })
  const token = signHmac({ exp: Date.now() / 1000 + 5, piazza })
  const stream = await openStream(hub.port, `/channels/a?token=${token}`)
  stream.pause()
  const data = 'x'.repeat(1_000_000)
  for (let i = 0; i < 12; i += 1) await publish(hub, 'a', data)
  expect(await hub.metric('piazza_streams_behind')).toBe(1)
  const ended = 'piazza_streams_closed_total{reason="token-expired"}'
  await waitFor('the cut', async () => (await hub.metric(ended)) === 1)
})

test.each([
  ['after more ms than a timer can hold', { exp: Date.now() / 1000 + 2 ** 31 }],
  ['after more than a date can hold', { exp: 1e300 }],
  ['never', { exp: undefined }],
])('a stream whose token expires %s stays', async (_when, claims) => {
  const hub = await start({ PIAZZA_JWT_EXP: 'optional', PIAZZA_HEARTBEAT_INTERVAL: '1s' })
  const token = signHmac({ ...claims, piazza })
  const stream = await openStream(hub.port, `/channels/a?token=${token}`)
  await waitFor('a heartbeat', () => stream.body.endsWith('\n\n:\n'))
  await publish(hub, 'a', 'later')
  await stream.waitForMessages(1)
  expect(stream.isClosed).toBe(false)
})

test('a stream that a publish key or nobody opened has no such end', async () => {
  const hub = await start({ PIAZZA_PUBLIC_CHANNELS: 'news' })
  const stale = { Cookie: `piazza_token=${signHmac({ exp: 1, piazza })}` }
  const streams = await Promise.all([
    openStream(hub.port, '/channels/news', { headers: { Authorization: `Bearer ${KEY}` } }),
    openStream(hub.port, '/channels/news'),
    openStream(hub.port, '/channels/news', { headers: stale }),
  ])
  await publish(hub, 'news', 'x')
  for (const stream of streams) await stream.waitForMessages(1)
  expect(streams.map(({ isClosed }) => isClosed)).toEqual([false, false, false])
})
