import { expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

const ORIGIN = 'https://app.example'

const retryOf = (text: string) => Number(/^retry: (\d+)$/m.exec(text)?.[1] ?? Number.NaN)

const meanOf = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value) / values.length

function openCrowd(port: number, count: number): Promise<RawStream[]> {
  return Promise.all(Array.from({ length: count }, () => openStream(port, '/channels/a')))
}

const keptOf = (crowd: readonly RawStream[]) =>
  crowd.filter(({ headers }) => headers['connection'] === 'keep-alive')

/** Asks for a stream on a connection that was kept. */
function askAgain({ socket }: RawStream): void {
  socket.write('GET /channels/a HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
}

/** A hub whose two places are taken. */
async function startFullHub(settings: Record<string, string> = {}) {
  const hub = await startHub({ PIAZZA_MAX_STREAMS: '2', PIAZZA_CORS_ORIGINS: ORIGIN, ...settings })
  const streams = [
    await openStream(hub.port, '/channels/a'),
    await openStream(hub.port, '/channels/a,b'),
  ]
  await Promise.all(streams.map((stream) => stream.waitForEvents(1)))
  return { hub, streams }
}

test('a stream too many gets an ordinary short answer that keeps its browser asking', async () => {
  const { hub } = await startFullHub()
  const answer = await request(hub.port, 'GET', '/channels/a', { Origin: ORIGIN })
  expect(answer.status).toBe(200)
  expect(answer.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'piazza-refused': 'max-streams',
    'access-control-allow-origin': ORIGIN,
  })
  expect(answer.headers['cache-control']).toMatch(/no-store/)
  expect(answer.headers).not.toHaveProperty('transfer-encoding')
  expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.text))
  expect(retryOf(answer.text)).toBeGreaterThanOrEqual(1000)
  expect(answer.text).toMatch(/^: ?\S.*$/m)
  expect(answer.text.endsWith('\n')).toBe(true)
  expect(await hub.metric('piazza_streams_refused_total{reason="max-streams"}')).toBe(1)
  expect(await hub.metric('piazza_streams')).toBe(2)
})

test('a refusal dispatches no event, and its connection can be used again', async () => {
  const { hub } = await startFullHub()
  const refused = await openStream(hub.port, '/channels/a')
  expect(refused.headers).toMatchObject({ connection: 'keep-alive', 'keep-alive': 'timeout=5' })
  expect(refused.headers['piazza-refused']).toBe('max-streams')
  await waitFor('the refusal', () => refused.retry !== undefined)
  expect(refused.events).toEqual([])
  refused.socket.write(`GET /livez HTTP/1.1\r\nHost: 127.0.0.1:${hub.port}\r\n\r\n`)
  await waitFor('the second answer', () => refused.raw.split('HTTP/1.1 200').length === 3)
})

test('a client that wants its connection closed is not told that it is kept', async () => {
  const { hub } = await startFullHub()
  const headers = { Connection: 'close' }
  const refused = await openStream(hub.port, '/channels/a', { headers })
  expect(refused.headers).toMatchObject({ connection: 'close', 'piazza-refused': 'max-streams' })
  expect(refused.headers).not.toHaveProperty('keep-alive')
  await refused.waitForClose()
})

test('of a crowd that is refused few keep their connections, and what they are told is complete', async () => {
  const { hub } = await startFullHub()
  const crowd = await openCrowd(hub.port, 40)
  const closing = crowd.filter(({ headers }) => headers['connection'] === 'close')
  expect(crowd.length - closing.length).toBe(16)
  await Promise.all(closing.map((stream) => stream.waitForClose(1000)))
  for (const { headers, body } of crowd) {
    expect(headers).toHaveProperty('piazza-refused')
    expect(Number(headers['content-length'])).toBe(body.length)
  }
  expect(crowd.filter(({ isClosed }) => isClosed)).toHaveLength(closing.length)
  // Who is kept may ask again and again; who leaves makes room.
  const kept = crowd.find(({ isClosed }) => !isClosed)
  askAgain(kept!)
  await waitFor('the second refusal', () => kept!.raw.split('timeout=5').length === 3)
  for (const stream of crowd) stream.close()
  await waitFor('room for others', async () => {
    const next = await openStream(hub.port, '/channels/a')
    return next.headers['connection'] === 'keep-alive'
  })
})

test('who was kept and gets a stream then makes room for others', async () => {
  const { hub, streams } = await startFullHub()
  const crowd = await openCrowd(hub.port, 16)
  expect(keptOf(crowd)).toHaveLength(16)
  for (const stream of streams) stream.close()
  await waitFor('the places to be free', async () => (await hub.metric('piazza_streams')) === 0)
  for (const stream of crowd.slice(0, 2)) askAgain(stream)
  await waitFor('both to be taken', async () => (await hub.metric('piazza_streams')) === 2)
  expect(keptOf(await openCrowd(hub.port, 3))).toHaveLength(2)
})

test('when one leaves, the next is taken', async () => {
  const { hub, streams } = await startFullHub()
  expect((await openStream(hub.port, '/channels/a')).headers).toHaveProperty('piazza-refused')
  streams[0]!.close()
  await waitFor('the place to be free', async () => (await hub.metric('piazza_streams')) === 1)
  const next = await openStream(hub.port, '/channels/a')
  expect(next.headers).not.toHaveProperty('piazza-refused')
  await next.waitForEvents(1)
  await hub.send('a', 'hello')
  await next.waitForMessages(1)
  expect((await openStream(hub.port, '/channels/a')).headers).toHaveProperty('piazza-refused')
})

test('HEAD and other answers take no place and free none', async () => {
  const { hub } = await startFullHub()
  for (const path of ['/channels/a..b', '/channels/a.*', '/channels/a?since=x']) {
    expect((await request(hub.port, 'GET', path)).status).toBe(400)
  }
  const accept = { Accept: 'application/json' }
  expect((await request(hub.port, 'GET', '/channels/a', accept)).status).toBe(406)
  await hub.send('over', '', { end: true })
  await openStream(hub.port, '/channels/over')
  expect(await hub.metric('piazza_streams')).toBe(2)
  expect((await openStream(hub.port, '/channels/a')).headers).toHaveProperty('piazza-refused')
})

test('the retry of refusals is random, and grows with load', async () => {
  const hub = await startHub({ PIAZZA_MAX_STREAMS: '50' })
  await Promise.all(Array.from({ length: 50 }, () => openStream(hub.port, '/channels/a')))
  const refuse = async () => {
    const { text } = await request(hub.port, 'GET', '/channels/a')
    return retryOf(text)
  }
  const retries: number[] = []
  for (let i = 0; i < 200; i += 1) retries.push(await refuse())
  const few = retries.slice(0, 10)
  const many = retries.slice(-20)
  expect(new Set(few).size).toBeGreaterThan(5)
  expect(new Set(many).size).toBeGreaterThan(10)
  expect(meanOf(many)).toBeGreaterThan(meanOf(few) * 1.2)
})

test('PIAZZA_OVERLOAD_STATUS=503 makes it a plain 503 with Retry-After', async () => {
  const { hub } = await startFullHub({ PIAZZA_OVERLOAD_STATUS: '503' })
  const answer = await request(hub.port, 'GET', '/channels/a', { Origin: ORIGIN })
  expect(answer.status).toBe(503)
  expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  expect(answer.headers['cache-control']).toMatch(/no-store/)
  expect(answer.headers['access-control-allow-origin']).toBe(ORIGIN)
  expect(answer.headers['content-type']).not.toMatch(/event-stream/)
  expect(await hub.metric('piazza_streams_refused_total{reason="max-streams"}')).toBe(1)
})

test('with PIAZZA_OVERLOAD_STATUS=503 no more of a crowd are kept than without', async () => {
  const { hub } = await startFullHub({ PIAZZA_OVERLOAD_STATUS: '503' })
  const crowd = await openCrowd(hub.port, 40)
  expect(new Set(crowd.map(({ status }) => status))).toEqual(new Set([503]))
  const kept = keptOf(crowd)
  expect(kept).toHaveLength(16)
  for (const { headers } of kept) expect(headers['keep-alive']).toBe('timeout=5')
  const closing = crowd.filter((stream) => !kept.includes(stream))
  await Promise.all(closing.map((stream) => stream.waitForClose(1000)))
})
