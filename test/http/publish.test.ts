import { jsonValue, sample } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'
import { expectCoded } from './expect-coded.ts'
import { readStored, readUpToMarker, splitBlocks } from './read-stored.ts'
import { request } from './request.ts'

const ID = /^[a-z0-9-]{1,64}$/

describe('where a message goes', () => {
  test('a publish answers 201 with its id and its channels, and the stream gets that id', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/news')
    const answer = await hub.publish({ channel: 'news', data: 'hello' })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json\b/)
    expect(answer.json).toEqual({ id: expect.stringMatching(ID), channels: ['news'] })
    await stream.waitForMessages(1)
    expect(stream.messages[0]).toMatchObject({ data: 'hello', id: answer.json.id })
  })

  test('a message to several channels has one id, and a stream of several of them gets it once', async () => {
    const hub = await startHub()
    const [both, first, second] = [
      await openStream(hub.port, '/channels/a,b'),
      await openStream(hub.port, '/channels/a'),
      await openStream(hub.port, '/channels/b'),
    ]
    const answer = await hub.publish({ channels: ['a', 'b'], data: 'one' })
    expect(answer.status).toBe(201)
    expect(answer.json).toEqual({ id: expect.stringMatching(ID), channels: ['a', 'b'] })
    for (const stream of [first, second]) {
      await stream.waitForMessages(1)
      expect(stream.messages[0]).toMatchObject({ data: 'one', id: answer.json.id })
    }
    expect(await readUpToMarker(hub, both, 'a')).toEqual(['one'])
    expect(await readUpToMarker(hub, both, 'b')).toEqual(['one'])
  })

  test('a replay of several channels has their common message once', async () => {
    const hub = await startHub()
    await hub.publish({ channels: ['a', 'b'], data: 'both' })
    await hub.send('b', 'only b')
    const stream = await openStream(hub.port, '/channels/b,a?since=all')
    expect(await readUpToMarker(hub, stream, 'a')).toEqual(['both', 'only b'])
  })

  test('repeated channel names count once', async () => {
    const hub = await startHub()
    const answer = await hub.publish({ channels: ['a', 'b', 'a', 'a', 'b'], data: 'once' })
    expect(answer.status).toBe(201)
    expect(answer.json.channels).toEqual(['a', 'b'])
    expect(await readStored(hub, 'a')).toEqual(['once'])
    expect(await readStored(hub, 'b')).toEqual(['once'])
  })

  test('100 channels are taken', async () => {
    const hub = await startHub()
    const channels = Array.from({ length: 100 }, (_, n) => `c${n}`)
    const answer = await hub.publish({ channels, data: 'wide' })
    expect(answer.status).toBe(201)
    expect(answer.json.channels).toEqual(channels)
    expect(await readStored(hub, 'c99')).toEqual(['wide'])
  })
})

describe('what data arrives as', () => {
  test('every kind of JSON arrives as promised', async () => {
    const kinds: [string, unknown, string][] = [
      ['an empty string', '', ''],
      ['a string', 'plain', 'plain'],
      ['a string that looks like JSON', '{"a": 1}', '{"a": 1}'],
      ['a string of several lines', 'a\nb\n\nc', 'a\nb\n\nc'],
      ['a string that begins and ends with LF', '\n\na\n', '\n\na\n'],
      ['CR and CRLF, as LF', 'a\rb\r\nc\n\rd\r', 'a\nb\nc\n\nd\n'],
      ['leading and trailing space', '  a \t', '  a \t'],
      [
        'what looks like SSE fields',
        'id: 7\nevent: x\ndata: y\n: z',
        'id: 7\nevent: x\ndata: y\n: z',
      ],
      ['other line separators', 'a\u2028b\u2029c\u0085d\vе\f', 'a\u2028b\u2029c\u0085d\vе\f'],
      ['NUL and other controls', 'a\u0000b\u001B\u007F', 'a\u0000b\u001B\u007F'],
      ['a BOM', '\uFEFFa', '\uFEFFa'],
      ['all planes of Unicode', 'é €\u{1F600}\u{10FFFF}\uFFFF', 'é €\u{1F600}\u{10FFFF}\uFFFF'],
      ['null', null, 'null'],
      ['true', true, 'true'],
      ['false', false, 'false'],
      ['zero', 0, '0'],
      ['a number', -12.5, '-12.5'],
      ['an empty list', [], '[]'],
      ['a list', [1, 'a', null, [true]], '[1,"a",null,[true]]'],
      ['an empty object', {}, '{}'],
      ['an object', { b: 1, a: { c: 'x\ny' } }, '{"b":1,"a":{"c":"x\\ny"}}'],
    ]
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    for (const [what, data, received] of kinds) {
      const id = await hub.send('a', data)
      await waitFor(what, () => stream.messages.at(-1)?.id === id)
      expect.soft(stream.messages.at(-1), what).toEqual({ data: received, id, event: undefined })
    }
    expect(stream.messages).toHaveLength(kinds.length)
  })

  test('any JSON arrives as JSON.stringify gives it', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    const seed = 20_240_501
    const values = sample(
      jsonValue().filter(
        (value) => typeof value !== 'string' && !/\d{16}/.test(JSON.stringify(value)),
      ),
      { numRuns: 500, seed },
    )
    const answer = await hub.publish(values.map((data) => ({ channel: 'a', data })))
    expect(answer.status, answer.text.slice(0, 300)).toBe(201)
    await stream.waitForMessages(values.length)
    expect(stream.messages.map((message) => message.data)).toEqual(
      values.map((value) => JSON.stringify(value)),
    )
  })

  test('keys that mean something to JavaScript are data like any other', async () => {
    const cases: [string, string, string?][] = [
      ['a key __proto__', '{"__proto__":{"admin":true}}'],
      ['a key __proto__ of text', '{"a":[{"__proto__":"x"}]}'],
      ['a key __proto__ of null', '{"__proto__":null,"b":1}'],
      ['an escaped key __proto__', '{"\\u005f_proto__":1}', '{"__proto__":1}'],
      ['a key constructor', '{"constructor":{"prototype":{"a":1}}}'],
      ['keys of Object', '{"toJSON":1,"toString":2,"hasOwnProperty":3}'],
      ['keys that look like array indices', '{"b":1,"10":2,"2":3}', '{"2":3,"10":2,"b":1}'],
      ['white space between tokens', ' {\n"a" : [ 1 ,\t2 ] }\r\n', '{"a":[1,2]}'],
      ['escapes', '{"a":"\\u0041\\/\\n"}', '{"a":"A/\\n"}'],
    ]
    const hub = await startHub()
    for (const [what, json, received = json] of cases) {
      const answer = await hub.publish(`{"channel":"a","data":${json}}`)
      expect.soft(answer.status, `${what}: ${answer.text}`).toBe(201)
      expect.soft((await readStored(hub, 'a')).at(-1), what).toBe(received)
    }
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  test('a lone surrogate becomes U+FFFD, a pair stays whole', async () => {
    const hub = await startHub()
    const escaped = String.raw`a\ud800b\udc00c\ud83d\ude00\udbff`
    const answer = await hub.publish(`{"channel":"a","data":"${escaped}"}`)
    expect(answer.status).toBe(201)
    expect(await readStored(hub, 'a')).toEqual(['a\uFFFDb\uFFFDc\u{1F600}\uFFFD'])
  })

  test('an empty message is dispatched by a client', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    await hub.send('a', '', { event: 'tick' })
    await stream.waitForMessages(1)
    expect(stream.messages[0]).toMatchObject({ event: 'tick', data: '' })
  })
})

describe('event and retry', () => {
  test('an event arrives as it was given', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    const events = [
      'x',
      'message',
      'order.created',
      ' spaced ',
      'a: b',
      'piazza',
      'errors',
      'Error',
      'é'.repeat(50),
      'x'.repeat(100),
    ]
    for (const event of events) await hub.send('a', 'typed', { event })
    await stream.waitForMessages(events.length)
    expect(stream.messages.map((message) => message.event)).toEqual(events)
  })

  test('a retry reaches the client', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    for (const retry of [100, 5000, 2_147_483_647]) {
      const id = await hub.send('a', 'slower', { retry })
      await waitFor(`retry ${retry}`, () => stream.messages.at(-1)?.id === id)
      expect(stream.retry).toBe(retry)
    }
  })

  test('the fields of a block stand in their order: event, retry, data, id', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    const id = await hub.send('a', 'one\ntwo', { event: 'x', retry: 700 })
    await stream.waitForMessages(1)
    expect(splitBlocks(stream).at(-1)).toMatch(
      new RegExp(`^event: ?x\nretry: ?700\ndata: ?one\ndata: ?two\nid: ?${id}$`),
    )
  })
})

describe('ephemeral', () => {
  test('an ephemeral message answers 202 without an id', async () => {
    const hub = await startHub()
    const answer = await hub.publish({ channels: ['a', 'b', 'a'], data: 'x', ephemeral: true })
    expect(answer.status).toBe(202)
    expect(answer.json).toEqual({ channels: ['a', 'b'] })
  })

  test('an ephemeral message reaches live streams without an id and is never replayed', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    const before = await hub.send('a', 'stored')
    await hub.publish({ channel: 'a', data: 'typing', event: 'typing', ephemeral: true })
    await stream.waitForMessages(2)
    expect(stream.messages.map((message) => message.data)).toEqual(['stored', 'typing'])
    expect(splitBlocks(stream).at(-1)).toMatch(/^event: ?typing\ndata: ?typing$/)
    expect(await readStored(hub, 'a')).toEqual(['stored'])
    const resumed = await openStream(hub.port, `/channels/a?lastEventId=${before}`)
    expect(await readUpToMarker(hub, resumed, 'a')).toEqual([])
    const newest = await openStream(hub.port, '/channels/a?last=10')
    expect(await readUpToMarker(hub, newest, 'a')).not.toContain('typing')
  })

  test('an ephemeral message to several channels comes once to a stream of them', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a,b')
    await hub.publish({ channels: ['a', 'b'], data: 'once', ephemeral: true })
    expect(await readUpToMarker(hub, stream, 'b')).toEqual(['once'])
  })

  test('ephemeral with end or with a key is refused, with false beside them it is not', async () => {
    const hub = await startHub()
    const message = { channel: 'a', data: 'x', ephemeral: true }
    expectCoded(await hub.publish({ ...message, end: true }), 400)
    expectCoded(await hub.publish({ ...message, idempotencyKey: 'k' }), 400)
    expectCoded(await hub.publish(message, { 'idempotency-key': 'k' }), 400)
    expect((await hub.publish({ ...message, end: false })).status).toBe(202)
    const stored = await hub.publish({ ...message, ephemeral: false, idempotencyKey: 'k' })
    expect(stored.status).toBe(201)
    expect(await readStored(hub, 'a')).toEqual(['x'])
  })

  test('an ephemeral message to an ended channel is refused', async () => {
    const hub = await startHub()
    await hub.send('a', 'bye', { end: true })
    expectCoded(await hub.publish({ channel: 'a', data: 'x', ephemeral: true }), 409)
  })
})

describe('end', () => {
  test('an end is the last message: streams get it and close, later publishes are 409', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    const id = await hub.send('a', 'bye', { end: true })
    await stream.waitForClose()
    expect(stream.messages.map((message) => message.data)).toEqual(['bye'])
    expect(stream.messages[0]?.id).toBe(id)
    const refused = expectCoded(await hub.publish({ channel: 'a', data: 'late' }), 409)
    expect(refused.message).toContain('a')
    expectCoded(await hub.publish({ channel: 'a', data: 'bye', end: true }), 409)
    expect((await openStream(hub.port, '/channels/a')).status).toBe(204)
    const replay = await openStream(hub.port, '/channels/a?since=all')
    await replay.waitForClose()
    expect(replay.messages.map((message) => message.data)).toEqual(['bye'])
  })

  test('one ended channel in a list refuses the whole: nothing is stored', async () => {
    const hub = await startHub()
    await hub.send('over', 'bye', { end: true })
    const answer = await hub.publish({ channels: ['open', 'over', 'other'], data: 'x' })
    expect(expectCoded(answer, 409).message).toContain('over')
    expect(await readStored(hub, 'open')).toEqual([])
    expect(await readStored(hub, 'other')).toEqual([])
  })

  test('an end to several channels ends them all', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a,b')
    await hub.publish({ channels: ['a', 'b'], data: 'bye', end: true })
    await stream.waitForClose()
    expect(stream.messages.map((message) => message.data)).toEqual(['bye'])
    expectCoded(await hub.publish({ channel: 'b', data: 'late' }), 409)
  })
})

describe('what a publish must look like', () => {
  test('another content type is 415', async () => {
    const hub = await startHub()
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/jsonp',
      'application/json-patch+json',
      'application/octet-stream',
      'nonsense',
    ]) {
      const answer = await hub.publish({ channel: 'a', data: 'x' }, { 'content-type': type })
      expect.soft(expectCoded(answer, 415, type).message).toContain('application/json')
    }
    const body = JSON.stringify({ channel: 'a', data: 'x' })
    expectCoded(await request(hub.port, 'POST', '/publish', { body }), 415)
  })

  test('application/json is taken in any spelling', async () => {
    const hub = await startHub()
    for (const type of [
      'application/json; charset=utf-8',
      'Application/JSON',
      'application/json;a="b"',
    ]) {
      const answer = await hub.publish({ channel: 'a', data: 'x' }, { 'content-type': type })
      expect.soft(answer.status, type).toBe(201)
    }
  })

  test('an unknown field is refused by name', async () => {
    const hub = await startHub()
    const fields = ['chanel', 'dat', 'Event', 'id', 'token', 'toString', 'a b']
    for (const field of [...fields, '__proto__', 'constructor']) {
      const answer = await hub.publish(`{"channel":"a","data":"x","${field}":{"ephemeral":true}}`)
      expect.soft(expectCoded(answer, 400, field).message).toContain(field)
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })
})
