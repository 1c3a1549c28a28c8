import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { expectCoded } from './expect-coded.ts'
import { readStored, splitBlocks } from './read-stored.ts'
import { encodeRequest, exchange, request, type WireRequest } from './request.ts'

const post = (hub: TestHub, path: string, options: WireRequest = {}) =>
  request(hub.port, 'POST', path, options)

describe('the body is the data', () => {
  test('whatever its content type', async () => {
    const hub = await startHub()
    for (const type of [
      'application/x-www-form-urlencoded',
      'text/plain; charset=latin1',
      'application/json',
      'application/cloudevents+json',
      'multipart/form-data; boundary=x',
      'image/png',
      'text/event-stream',
      null,
    ]) {
      const body = `{"not": json, é\u{1F600} of type ${type}`
      const answer = await post(hub, '/channels/news', { body, headers: { 'Content-Type': type } })
      expect.soft(answer.status, `${type}: ${answer.text}`).toBe(201)
      expect.soft(answer.json, `${type}`).toEqual({
        id: expect.stringMatching(/^[a-z0-9-]{1,64}$/),
        channels: ['news'],
      })
      expect.soft(await readStored(hub, 'news')).toContain(body)
    }
  })

  test('even if its content type is none', async () => {
    const hub = await startHub()
    for (const type of ['not a type', ';;;', 'text', '/']) {
      const headers = { 'Content-Type': type }
      const answer = await post(hub, '/channels/a', { body: type, headers })
      expect.soft(answer.status, `${type}: ${answer.text}`).toBe(201)
    }
  })

  test('an empty body is empty data', async () => {
    const cases: [string, Record<string, string>][] = [
      ['Content-Length: 0', { 'Content-Length': '0' }],
      ['no length at all', {}],
      ['a JSON content type', { 'Content-Length': '0', 'Content-Type': 'application/json' }],
      ['a JSON content type and no length', { 'Content-Type': 'application/json' }],
      ['a text content type', { 'Content-Length': '0', 'Content-Type': 'text/plain' }],
    ]
    const hub = await startHub()
    for (const [what, headers] of cases) {
      const answer = await post(hub, '/channels/a', { headers })
      expect.soft(answer.status, `${what}: ${answer.text}`).toBe(201)
    }
    expect(await readStored(hub, 'a')).toEqual(cases.map(() => ''))
  })

  test('it stays byte for byte, but for CR', async () => {
    const cases: [string, string, string][] = [
      ['white space at both ends', '  a \n', '  a \n'],
      ['a BOM', '\uFEFFa', '\uFEFFa'],
      ['NUL', 'a\u0000b', 'a\u0000b'],
      ['CR and CRLF as LF', 'a\r\nb\rc', 'a\nb\nc'],
      ['JSON as it was written', '{ "a" : 1.0 }', '{ "a" : 1.0 }'],
      ['form syntax', 'a=b&c=%20+', 'a=b&c=%20+'],
    ]
    const hub = await startHub()
    for (const [what, body] of cases) {
      expect.soft((await post(hub, '/channels/a', { body })).status, what).toBe(201)
    }
    expect(await readStored(hub, 'a')).toEqual(cases.map(([, , received]) => received))
  })

  test('a chunked body is put together, also where a character was cut', async () => {
    const hub = await startHub()
    const head = `POST /channels/a HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n`
    const [answer] = await exchange(hub.port, `${head}2\r\nh\u00C3\r\n4\r\n\u00A9llo\r\n0\r\n\r\n`)
    expect(answer!.status).toBe(201)
    expect(await readStored(hub, 'a')).toEqual(['héllo'])
  })

  test('invalid UTF-8 is 400', async () => {
    const cases: [string, number[]][] = [
      ['a lone continuation byte', [0x61, 0x80]],
      ['an overlong form', [0xc0, 0xaf]],
      ['a surrogate', [0xed, 0xa0, 0x80]],
      ['a cut character', [0x61, 0xe2, 0x82]],
      ['latin-1', [0x66, 0xfc, 0x72]],
    ]
    const hub = await startHub()
    for (const [what, bytes] of cases) {
      const answer = await post(hub, '/channels/a', { body: Uint8Array.from(bytes) })
      expect.soft(expectCoded(answer, 400, what).message).toMatch(/UTF-8/)
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('Expect: 100-continue is answered', async () => {
    const hub = await startHub()
    const headers = { Expect: '100-continue' }
    const [go, answer] = await exchange(
      hub.port,
      encodeRequest(hub.port, 'POST', '/channels/a', { headers, body: 'x' }),
      { count: 2 },
    )
    expect(go!.status).toBe(100)
    expect(answer!.status).toBe(201)
  })
})

describe('the path is the channel', () => {
  test('a percent-encoded name is decoded once', async () => {
    const hub = await startHub()
    const answer = await post(hub, '/channels/user%3A42%40x.%7e', { body: 'x' })
    expect(answer.json).toMatchObject({ channels: ['user:42@x.~'] })
  })

  test('a name of 200 characters is taken', async () => {
    const hub = await startHub()
    const name = 'n'.repeat(200)
    expect((await post(hub, `/channels/${name}`, { body: 'x' })).json.channels).toEqual([name])
  })

  test('what is no name is 400', async () => {
    const hub = await startHub()
    const long = 'n'.repeat(201)
    for (const name of ['a,b', 'a%2Cb', 'a..b', '.a', 'a%20b', 'a%2Fb', 'a%00', long, '%C3%A9']) {
      const answer = await post(hub, `/channels/${name}`, { body: 'x' })
      expect.soft(expectCoded(answer, 400, name).code).toBe('PIAZZA_ERR_CHANNEL_INVALID')
    }
  })
})

describe('the query parameters', () => {
  test('event and retry', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    const answer = await post(hub, '/channels/a?event=or%20der%C3%A9&retry=2500', { body: 'x' })
    expect(answer.status, answer.text).toBe(201)
    await stream.waitForMessages(1)
    expect(splitBlocks(stream).at(-1)).toMatch(
      new RegExp(`^event: ?or deré\nretry: ?2500\ndata: ?x\nid: ?${answer.json.id}$`),
    )
  })

  test('ephemeral', async () => {
    const hub = await startHub()
    const answer = await post(hub, '/channels/a?ephemeral=true', { body: 'x' })
    expect([answer.status, answer.json]).toEqual([202, { channels: ['a'] }])
    const stored = await post(hub, '/channels/a?ephemeral=false&end=false', { body: 'y' })
    expect(stored.status).toBe(201)
    expect(await readStored(hub, 'a')).toEqual(['y'])
  })

  test('end', async () => {
    const hub = await startHub()
    expect((await post(hub, '/channels/a?end=true', { body: 'bye' })).status).toBe(201)
    expectCoded(await post(hub, '/channels/a', { body: 'late' }), 409)
  })

  test('a bad value is 400, naming the parameter', async () => {
    const hub = await startHub()
    for (const query of [
      'ephemeral=1',
      'ephemeral=TRUE',
      'ephemeral=',
      'ephemeral',
      'ephemeral=yes',
      'end=0',
      'end=on',
      'end=true&end=false',
      'end=true&ephemeral=true',
      'retry=',
      'retry=99',
      'retry=-1',
      'retry=1.5',
      'retry=1e3',
      'retry=0x400',
      'retry=%20500',
      'retry=2147483648',
      'retry=soon',
      'retry=500&retry=600',
      'event=',
      'event=error',
      'event=open',
      'event=piazza.x',
      'event=a%0Ab',
      'event=a%0Db',
      'event=a%00',
      `event=${'x'.repeat(101)}`,
      'event=a&event=b',
    ]) {
      const name = query.split('=', 1)[0]!
      const answer = await post(hub, `/channels/a?${query}`, { body: 'x' })
      expect.soft(expectCoded(answer, 400, query).message).toContain(name)
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('a broken escape, or one that is no UTF-8, is 400, not another event', async () => {
    const hub = await startHub()
    for (const query of ['event=%FF', 'event=caf%C3', 'event=100%', 'event=%zz']) {
      expectCoded(await post(hub, `/channels/a?${query}`, { body: 'x' }), 400, query)
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('an unknown one is refused by name', async () => {
    const hub = await startHub()
    for (const name of ['evnt', 'data', 'id', 'idempotencyKey', 'channel', 'since', '__proto__']) {
      const answer = await post(hub, `/channels/a?${name}=x`, { body: 'x' })
      expect.soft(expectCoded(answer, 400, name).message).toContain(name)
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('ephemeral with an Idempotency-Key is 400', async () => {
    const hub = await startHub()
    const headers = { 'Idempotency-Key': 'k' }
    expectCoded(await post(hub, '/channels/a?ephemeral=true', { headers, body: 'x' }), 400)
  })
})
