import { describe, expect, test } from 'vitest'
import { BROKERS, startHubOver } from '../support/brokers.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { SECRET, signHmac } from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'
import { expectCoded } from './expect-coded.ts'
import { exchange, request } from './request.ts'

const KEY = 'correct-horse-battery-staple'
const OTHER = 'another-key-of-enough-length'
const KEYS = { PIAZZA_PUBLISH_KEYS: `${KEY},${OTHER}`, PIAZZA_JWT_SECRET: SECRET }
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })
const tokenOf = (sub?: string) =>
  bearer(signHmac({ sub, jti: `${Math.random()}`, piazza: { publish: ['**'] } }))

const from = (address: string) => ({ 'X-Forwarded-For': address })

const raw = (hub: TestHub, headers: Record<string, string>, body = 'x') =>
  request(hub.port, 'POST', '/channels/a', { headers, body })

/** How many of so many publishes at once are stored. */
async function countStored(hub: TestHub, headers: Record<string, string>, times: number) {
  const answers = await Promise.all(Array.from({ length: times }, () => raw(hub, headers)))
  return answers.filter(({ status }) => status === 201).length
}

describe.each(BROKERS)('over %s', (broker) => {
  test('PIAZZA_PUBLISH_RATE holds for each key and each subject by itself', async () => {
    const hub = await startHubOver(broker, { ...KEYS, PIAZZA_PUBLISH_RATE: '5/s' })
    for (const [first, second] of [
      [bearer(KEY), bearer(KEY)],
      [tokenOf('alice'), tokenOf('alice')],
    ]) {
      const atOnce = await countStored(hub, first!, 10)
      expect(atOnce).toBeGreaterThanOrEqual(5)
      expect(atOnce).toBeLessThan(10) // some time passes meanwhile
      expect(await countStored(hub, second!, 10)).toBeLessThan(10)
    }
    for (const headers of [bearer(OTHER), tokenOf('bob'), tokenOf(), tokenOf()]) {
      expect(await countStored(hub, headers, 3)).toBe(3)
    }
  })

  test('a 429 says when to go on, and then it does', async () => {
    const hub = await startHubOver(broker, { PIAZZA_PUBLISH_RATE: '2/s' })
    const answers = await Promise.all(Array.from({ length: 10 }, () => raw(hub, {})))
    const refused = answers.find(({ status }) => status !== 201)!
    const { code, message } = expectCoded(refused, 429)
    expect(code).toBe('PIAZZA_ERR_PUBLISH_RATE_EXCEEDED')
    expect(message).toMatch(/2 messages a second .*PIAZZA_PUBLISH_RATE/)
    expect(refused.headers).toMatchObject({
      'retry-after': '1',
      'ratelimit-policy': '"messages";q=2;w=1',
      ratelimit: '"messages";r=0;t=1',
      'cache-control': 'no-store',
    })
    const stored = answers.filter(({ status }) => status === 201).length
    expect((await hub.get('/channels/a/history')).json.messages).toHaveLength(stored)
    const line = 'piazza_http_errors_total{code="PIAZZA_ERR_PUBLISH_RATE_EXCEEDED"}'
    expect(await hub.metric(line)).toBe(10 - stored)
    const startedMs = performance.now()
    await waitFor('a publish to be taken', async () => (await raw(hub, {})).status === 201)
    expect(performance.now() - startedMs).toBeLessThan(1500)
  })
})

describe('what was published is told with every success', () => {
  const settings = { PIAZZA_PUBLISH_RATE: '100/s', PIAZZA_PUBLISH_BYTE_RATE: '10KiB/s' }
  const POLICY = '"messages";q=100;w=1, "bytes";q=10240;w=1;qu="content-bytes"'

  test('of a message and a DELETE', async () => {
    const hub = await startHub(settings)
    const answer = await raw(hub, {}, 'x'.repeat(1000))
    expect(answer.headers['ratelimit-policy']).toBe(POLICY)
    expect(answer.headers['ratelimit']).toMatch(/^"messages";r=99;t=1, "bytes";r=9[23]\d\d;t=1$/)
    const gone = await request(hub.port, 'DELETE', '/channels/a')
    expect(gone.headers['ratelimit']).toMatch(/^"messages";r=9\d;t=1, "bytes"/)
  })

  test('of a batch, which counts as its messages', async () => {
    const hub = await startHub(settings)
    const items = Array.from({ length: 50 }, (_, n) => ({ channel: 'a', data: n }))
    const answer = await hub.publish(items)
    expect(answer.status).toBe(201)
    expect(answer.headers.get('ratelimit')).toMatch(/^"messages";r=5\d;t=1/)
  })

  test('and nothing where there is no limit', async () => {
    const { headers } = await raw(await startHub(), {})
    expect(Object.keys(headers).filter((name) => name.startsWith('ratelimit'))).toEqual([])
  })
})

describe('what is above the rate is owed', () => {
  test('a batch gets through whole, and the next publish waits for it', async () => {
    const hub = await startHub({ PIAZZA_PUBLISH_RATE: '10/s' })
    const items = Array.from({ length: 500 }, (_, n) => ({ channel: 'a', data: n }))
    expect((await hub.publish(items)).status).toBe(201)
    const refused = await raw(hub, {})
    expectCoded(refused, 429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(48)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(50)
  })

  test.each(['announced', 'in chunks'])('bytes of a body, %s', async (kind) => {
    const hub = await startHub({ PIAZZA_PUBLISH_BYTE_RATE: '1KiB/s' })
    const data = 'x'.repeat(10_240)
    const head = 'POST /channels/a HTTP/1.1\r\nHost: 127.0.0.1\r\n'
    const body =
      kind === 'announced'
        ? `Content-Length: 10240\r\n\r\n${data}`
        : `Transfer-Encoding: chunked\r\n\r\n2800\r\n${data}\r\n0\r\n\r\n`
    expect((await exchange(hub.port, head + body))[0]!.status).toBe(201)
    const refused = await raw(hub, {})
    expect(expectCoded(refused, 429).code).toBe('PIAZZA_ERR_PUBLISH_BYTE_RATE_EXCEEDED')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(8)
  })

  test.each([
    ['is too large', 20_480, 413],
    ['breaks off', 10_240, 400],
  ])('what was read of a body in chunks that %s', async (_how, bytes, status) => {
    const limits = { PIAZZA_MAX_BODY_BYTES: '16KiB', PIAZZA_MAX_MESSAGE_BYTES: '16KiB' }
    const hub = await startHub({ ...limits, PIAZZA_PUBLISH_BYTE_RATE: '1KiB/s' })
    const head =
      'POST /channels/a HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n'
    const chunk = `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`
    const [answer] = await exchange(hub.port, `${head}${chunk}no chunk`)
    expectCoded(answer!, status)
    const refused = await raw(hub, {})
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(bytes / 1024 - 2)
  })

  test('a body that is too large is not read, and owes no bytes', async () => {
    const hub = await startHub({ PIAZZA_PUBLISH_BYTE_RATE: '1KiB/s' })
    expectCoded(await raw(hub, { 'Content-Length': '1000000000' }), 413)
    expect((await raw(hub, {})).status).toBe(201)
  })
})

test('bad publishes count too', async () => {
  const hub = await startHub({ PIAZZA_PUBLISH_RATE: '2/s' })
  const answers = await Promise.all(Array.from({ length: 10 }, () => hub.publish('{')))
  const statuses = new Set(answers.map(({ status }) => status))
  expect(statuses).toEqual(new Set([400, 429]))
})

test('while something is owed a body is not waited for, and nothing is deleted', async () => {
  const hub = await startHub({ PIAZZA_PUBLISH_RATE: '1/s' })
  await hub.publish(Array.from({ length: 100 }, () => ({ channel: 'a', data: 1 })))
  const headers = { 'Content-Type': 'application/json', 'Content-Length': '1000' }
  expectCoded(await request(hub.port, 'POST', '/publish', { headers }), 429)
  expectCoded(await request(hub.port, 'DELETE', '/channels/a'), 429)
  expect((await hub.get('/channels/a/stats')).json.messages).toBe(100)
})

test('who may not publish hears that, and takes nothing from those who may', async () => {
  const hub = await startHub({ ...KEYS, PIAZZA_PUBLISH_RATE: '1/s' })
  const subscriber = bearer(signHmac({ sub: 'alice', piazza: { subscribe: ['**'] } }))
  for (let i = 0; i < 3; i += 1) {
    expectCoded(await raw(hub, {}), 401)
    expectCoded(await raw(hub, subscriber), 403)
    expectCoded(await request(hub.port, 'DELETE', '/channels/a', { headers: subscriber }), 403)
  }
  expect((await raw(hub, tokenOf('alice'))).status).toBe(201)
})

test('without a token each address counts by itself', async () => {
  const hub = await startHub({
    PIAZZA_ANONYMOUS: 'publish,subscribe',
    PIAZZA_TRUST_PROXY: '1',
    PIAZZA_PUBLISH_RATE: '1/s',
  })
  expect(await countStored(hub, from('192.0.2.1'), 10)).toBeLessThan(10)
  expect((await raw(hub, from('192.0.2.2'))).status).toBe(201)
})
