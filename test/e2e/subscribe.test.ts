import { describe, expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openingId, textsOf } from '../support/position.ts'
import { openStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

/** "At once", with slack for a busy machine; far below the heartbeat that would flush it too. */
const AT_ONCE_MS = 1000

const ID = '[a-z0-9-]{1,64}'

describe('the answer', () => {
  test('has exactly the headers of an event stream, chunked and closing on HTTP/1.1', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/news', {
      headers: { 'Accept-Encoding': 'gzip, br, zstd', Connection: 'keep-alive' },
    })
    expect(stream.status).toBe(200)
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'transfer-encoding': 'chunked',
      connection: 'close',
    })
    expect(stream.headers).not.toHaveProperty('content-encoding')
    expect(stream.headers).not.toHaveProperty('content-length')
    expect(stream.headers).not.toHaveProperty('keep-alive')
  })

  test('is plain bytes to HTTP/1.0', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/news', { version: '1.0' })
    const id = await hub.send('news', 'hello')
    await stream.waitForMessages(1)
    expect(stream.status).toBe(200)
    expect(stream.headers['content-type']).toBe('text/event-stream')
    expect(stream.headers).not.toHaveProperty('transfer-encoding')
    const [, body] = stream.raw.split('\r\n\r\n')
    expect(body).toBe(stream.body)
    expect(stream.body).toMatch(/^:\nretry: \d+\nevent: piazza\.open\n/)
    expect(stream.body.endsWith(`data: hello\nid: ${id}\n\n`)).toBe(true)
  })

  test('comes at once on a quiet channel, head and opening block', async () => {
    const hub = await startHub()
    const startedMs = performance.now()
    const stream = await openStream(hub.port, '/channels/quiet')
    await stream.waitForEvents(1, AT_ONCE_MS)
    expect(performance.now() - startedMs).toBeLessThan(AT_ONCE_MS)
  })

  test('carries the CORS headers, on streams and on errors', async () => {
    const hub = await startHub({ PIAZZA_CORS_ORIGINS: 'https://app.example' })
    const headers = { Origin: 'https://app.example' }
    const stream = await openStream(hub.port, '/channels/news', { headers })
    expect(stream.headers['access-control-allow-origin']).toBe('https://app.example')
    expect(stream.headers['access-control-expose-headers']).toMatch(/retry-after/i)
    expect(stream.headers['access-control-expose-headers']).toMatch(/piazza-refused/i)
    const refused = await request(hub.port, 'GET', '/channels/a..b', headers)
    expect(refused.status).toBe(400)
    expect(refused.headers['access-control-allow-origin']).toBe('https://app.example')
    expect(refused.headers['cache-control']).toMatch(/no-store/)
  })
})

describe('the opening block', () => {
  test('is a comment, a retry, and piazza.open with the position, byte for byte', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/news')
    await stream.waitForEvents(1)
    expect(stream.body).toMatch(
      new RegExp(
        `^:\\nretry: \\d{4}\\nevent: piazza\\.open\\ndata: \\{"heartbeat":15\\}\\nid: ${ID}\\n\\n$`,
      ),
    )
  })

  test('tells the heartbeat in seconds', async () => {
    const hub = await startHub({ PIAZZA_HEARTBEAT_INTERVAL: '40s' })
    const stream = await openStream(hub.port, '/channels/news')
    await stream.waitForEvents(1)
    expect(stream.events[0]?.data).toBe('{"heartbeat":40}')
  })

  test('has a retry of its own for each connection, in 2000 to 4000', async () => {
    const hub = await startHub()
    const retries = new Set<number>()
    for (let i = 0; i < 30; i += 1) {
      const stream = await openStream(hub.port, '/channels/news')
      await stream.waitForEvents(1)
      expect(stream.retry).toBeGreaterThanOrEqual(2000)
      expect(stream.retry).toBeLessThanOrEqual(4000)
      retries.add(stream.retry!)
      stream.close()
    }
    expect(retries.size).toBeGreaterThan(20)
  })

  test('keeps its retry in PIAZZA_RETRY_MIN and PIAZZA_RETRY_MAX', async () => {
    const hub = await startHub({ PIAZZA_RETRY_MIN: '100ms', PIAZZA_RETRY_MAX: '110ms' })
    for (let i = 0; i < 20; i += 1) {
      const stream = await openStream(hub.port, '/channels/news')
      await stream.waitForEvents(1)
      expect(stream.retry).toBeGreaterThanOrEqual(100)
      expect(stream.retry).toBeLessThanOrEqual(110)
      stream.close()
    }
  })

  test('is comment and retry only with control=off, no blank line', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/news?control=off')
    await waitFor('the retry line', () => /retry: \d+\n/.test(stream.body), AT_ONCE_MS)
    const id = await hub.send('news', 'hello')
    await stream.waitForMessages(1)
    expect(stream.body).toMatch(new RegExp(`^:\\nretry: \\d{4}\\ndata: hello\\nid: ${id}\\n\\n$`))
  })

  test('stands behind 2 KiB of comment with padding=1', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/news?padding=1')
    await stream.waitForEvents(1)
    const retryAt = stream.body.indexOf('\nretry: ')
    expect(retryAt).toBeGreaterThanOrEqual(2048)
    expect(retryAt).toBeLessThan(3000)
    const comments = stream.body.slice(0, retryAt).split('\n')
    expect(comments.every((line) => line.startsWith(':'))).toBe(true)
    expect(stream.body.slice(retryAt)).toMatch(
      new RegExp(
        `^\\nretry: \\d{4}\\nevent: piazza\\.open\\ndata: \\{"heartbeat":15\\}\\nid: ${ID}\\n\\n$`,
      ),
    )
  })

  test('has a position from which nothing that follows is missed', async () => {
    const hub = await startHub()
    const first = await openStream(hub.port, '/channels/news')
    const position = await openingId(first)
    first.close()
    await hub.send('news', 'while away')
    const second = await openStream(hub.port, '/channels/news', {
      headers: { 'Last-Event-ID': position },
    })
    await second.waitForMessages(1)
    expect(textsOf(second)).toEqual(['while away'])
    expect(second.control('gap')).toEqual([])
  })
})

describe('names', () => {
  test('a list may be separated by commas, encoded or not', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a,b%2Cc%2cd')
    await stream.waitForEvents(1)
    for (const name of ['a', 'b', 'c', 'd', 'e']) await hub.send(name, name)
    await hub.send('a', 'last')
    await stream.waitForMessages(5)
    expect(textsOf(stream)).toEqual(['a', 'b', 'c', 'd', 'last'])
  })

  test('64 names of 200 characters work, 65 are refused', async () => {
    const hub = await startHub()
    const names = Array.from({ length: 65 }, (_, i) => `n${i}.`.padEnd(200, 'x'))
    const stream = await openStream(hub.port, `/channels/${names.slice(0, 64).join(',')}`)
    expect(stream.status).toBe(200)
    await stream.waitForEvents(1)
    await hub.send(names[63]!, 'hello')
    await stream.waitForMessages(1)
    expect((await request(hub.port, 'GET', `/channels/${names.join(',')}`)).status).toBe(400)
  })

  test.each(['a..b', '.a', 'a.', 'a,,b', 'a,', 'a%20b', '%C3%A4', 'a%00', 'x'.repeat(201), '%zz'])(
    '%s is refused with 400',
    async (name) => {
      const hub = await startHub()
      const answer = await request(hub.port, 'GET', `/channels/${name}`)
      expect(answer.status).toBe(400)
      expect(JSON.parse(answer.text)).toMatchObject({ statusCode: 400 })
      expect(answer.headers['cache-control']).toMatch(/no-store/)
    },
  )

  test.each(['orders.*', 'orders.**', '*', 'a,orders.*.x'])(
    'the pattern %s is refused with a code of its own',
    async (name) => {
      const hub = await startHub()
      const answer = await request(hub.port, 'GET', `/channels/${name}`)
      expect(answer.status).toBe(400)
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'PIAZZA_ERR_PATTERN_UNSUPPORTED' })
    },
  )

  test('every character that a name may have works, encoded or not', async () => {
    const hub = await startHub()
    const name = 'Az09._-:@=+~'
    const plain = await openStream(hub.port, `/channels/${name}`)
    const encoded = await openStream(hub.port, `/channels/${encodeURIComponent(name)}`)
    expect([plain.status, encoded.status]).toEqual([200, 200])
    await Promise.all([plain.waitForEvents(1), encoded.waitForEvents(1)])
    await hub.send(name, 'hello')
    await Promise.all([plain.waitForMessages(1), encoded.waitForMessages(1)])
  })
})

describe('the request', () => {
  test('HEAD answers the headers and subscribes to nothing', async () => {
    const hub = await startHub()
    const answer = await request(hub.port, 'HEAD', '/channels/news')
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      connection: 'close',
    })
    expect(answer.headers).not.toHaveProperty('content-encoding')
    expect(await hub.metric('piazza_streams')).toBe(0)
    expect(await hub.metric('piazza_streams_opened_total')).toBe(0)
  })

  test('OPTIONS is a preflight that browsers may cache', async () => {
    const hub = await startHub({ PIAZZA_CORS_ORIGINS: 'https://app.example' })
    const answer = await request(hub.port, 'OPTIONS', '/channels/news', {
      Origin: 'https://app.example',
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'last-event-id, authorization, cache-control',
    })
    expect([200, 204]).toContain(answer.status)
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example')
    const allowed = String(answer.headers['access-control-allow-headers']).toLowerCase()
    const names = ['last-event-id', 'authorization', 'content-type', 'idempotency-key']
    for (const name of [...names, 'cache-control']) expect(allowed).toContain(name)
    expect(Number(answer.headers['access-control-max-age'])).toBeGreaterThan(0)
    const foreign = await request(hub.port, 'OPTIONS', '/channels/news', {
      Origin: 'https://evil.example',
      'Access-Control-Request-Method': 'GET',
    })
    expect(foreign.headers['access-control-allow-origin']).not.toBe('https://evil.example')
    expect(foreign.headers['access-control-allow-origin']).not.toBe('*')
  })

  test.each([
    'application/json',
    'text/event-stream;q=0',
    'text/event-stream; q=0.0, */*',
    'text/*;q=0, */*',
    '*/*;q=0',
    'text/html, application/*',
  ])('Accept: %s excludes a stream: 406', async (accept) => {
    const hub = await startHub()
    const answer = await request(hub.port, 'GET', '/channels/news', { Accept: accept })
    expect(answer.status).toBe(406)
    expect(JSON.parse(answer.text)).toMatchObject({ statusCode: 406 })
    expect(answer.headers['cache-control']).toMatch(/no-store/)
  })

  test.each(['*/*', 'text/*', 'TEXT/Event-Stream', 'application/json, */*;q=0.1'])(
    'Accept: %s takes a stream',
    async (accept) => {
      const hub = await startHub()
      const stream = await openStream(hub.port, '/channels/news', { headers: { Accept: accept } })
      expect(stream.status).toBe(200)
    },
  )

  test('without Accept is taken', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/news')
    expect(stream.status).toBe(200)
  })

  test('may have query parameters that the hub does not know', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/news?_=17&r=a%zzb&__proto__=1&ttt')
    expect(stream.status).toBe(200)
    await stream.waitForEvents(1)
    await hub.send('news', 'hello')
    await stream.waitForMessages(1)
  })
})
