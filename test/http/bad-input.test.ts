import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { expectCoded } from './expect-coded.ts'
import { readStored, readUpToMarker } from './read-stored.ts'
import { request } from './request.ts'

const json = { 'Content-Type': 'application/json' }

describe('a publish to what is no channel name is 400', () => {
  const bad = [
    '',
    'n'.repeat(201),
    'a..b',
    '.a',
    'a.',
    '.',
    '..',
    ' ',
    'a b',
    ' a',
    'a/b',
    'a,b',
    'a\u0000',
    'a\n',
    'é',
    '\u{1F600}',
    '\u0430',
    '\uFF41',
    '\uD800',
    'a?b',
    'a#b',
    'a%20b',
    'a&b',
    "a'b",
    'a"b',
    'a\\b',
    'a<b>',
  ]

  test('in channel and in channels', async () => {
    const hub = await startHub()
    for (const name of bad) {
      for (const where of [{ channel: name }, { channels: ['ok', name] }]) {
        const answer = await hub.publish({ ...where, data: 'x' })
        const { code, message } = expectCoded(answer, 400, JSON.stringify(where))
        if (name !== '') expect.soft(code, message).toBe('PIAZZA_ERR_CHANNEL_INVALID')
      }
    }
    expect(await readStored(hub, 'ok')).toEqual([])
  })

  test('a pattern is no name to publish to', async () => {
    const hub = await startHub()
    for (const name of ['*', '**', 'a.*', 'a.**', '*.a', 'a*']) {
      expectCoded(await hub.publish({ channel: name, data: 'x' }), 400, name)
      expectCoded(await request(hub.port, 'POST', `/channels/${name}`, { body: 'x' }), 400, name)
      expectCoded(await request(hub.port, 'DELETE', `/channels/${name}`), 400, name)
    }
  })

  test('a bad name is shown, shortened', async () => {
    const hub = await startHub()
    const answer = await hub.publish({ channel: 'a..b', data: 'x' })
    expect(expectCoded(answer, 400).message).toContain('a..b')
    const long = expectCoded(await hub.publish({ channel: 'y'.repeat(100_000), data: 'x' }), 400)
    expect(long.message).toContain('yyyy')
    expect(long.message.length).toBeLessThan(500)
  })

  test('every character that is allowed is taken', async () => {
    const hub = await startHub()
    const names = ['A.Z-a_z:0@9=+~', '-', '_', ':', '@', '=', '+', '~', '0', 'n'.repeat(200)]
    const answer = await hub.publish({ channels: names, data: 'x' })
    expect(answer.status, answer.text).toBe(201)
    expect(answer.json.channels).toEqual(names)
    for (const name of names) {
      for (const path of [name, encodeURIComponent(name)]) {
        const stream = await openStream(hub.port, `/channels/${path}?since=all`)
        expect(await readUpToMarker(hub, stream, name), path).toEqual(['x'])
        stream.close()
      }
    }
  })

  test('names are compared byte for byte', async () => {
    const hub = await startHub()
    await hub.send('news', 'small')
    await hub.send('News', 'capital')
    expect(await readStored(hub, 'news')).toEqual(['small'])
    expect(await readStored(hub, 'News')).toEqual(['capital'])
    const escaped = await openStream(hub.port, '/channels/new%73?since=all')
    expect(await readUpToMarker(hub, escaped, 'news')).toEqual(['small'])
  })

  test('names that mean something to JavaScript are names', async () => {
    const hub = await startHub()
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      await hub.send(name, name)
      expect(await readStored(hub, name)).toEqual([name])
    }
  })
})

describe('a body that is no message is 400', () => {
  test('broken JSON', async () => {
    const hub = await startHub()
    const good = '{"channel":"a","data":1}'
    const bodies = [
      '',
      ' ',
      '{',
      good.slice(0, -1),
      `${good}}`,
      `${good} x`,
      `${good}${good}`,
      "{'channel':'a','data':1}",
      '{"channel":"a","data":1,}',
      '{"channel":"a","data":undefined}',
      '{"channel":"a","data":NaN}',
      '{"channel":"a","data":Infinity}',
      '{"channel":"a","data":01}',
      '{"channel":"a","data":+1}',
      '{"channel":"a","data":1.}',
      '{"channel":"a","data":.5}',
      '{"channel":"a","data":0x10}',
      '{"channel":"a","data":"\n"}',
      String.raw`{"channel":"a","data":"\x41"}`,
      String.raw`{"channel":"a","data":"\u12"}`,
      '{"channel":"a","data":1} // comment',
      '{"channel":"a" "data":1}',
      '[{"channel":"a","data":1}',
      `[${good},]`,
      'hello',
      '<xml/>',
      '\u0000',
    ]
    for (const body of bodies) expectCoded(await hub.publish(body), 400, body)
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('JSON that is neither an object nor a list', async () => {
    const hub = await startHub()
    for (const body of ['null', 'true', '1', '"x"', '1e400', '12345678901234567890']) {
      expectCoded(await hub.publish(body), 400, body)
    }
  })

  test('invalid UTF-8', async () => {
    const hub = await startHub()
    for (const bytes of [[0x80], [0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]]) {
      const body = Buffer.concat([
        Buffer.from('{"channel":"a","data":"x'),
        Buffer.from(bytes),
        Buffer.from('"}'),
      ])
      const answer = await request(hub.port, 'POST', '/publish', { headers: json, body })
      expectCoded(answer, 400, bytes.toString())
    }
    const utf16 = Buffer.from('{"channel":"a","data":"x"}', 'utf16le')
    expectCoded(await request(hub.port, 'POST', '/publish', { headers: json, body: utf16 }), 400)
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('JSON that is nested too deep, wherever', async () => {
    const hub = await startHub()
    const depth = 100_000
    const bodies = [
      `{"channel":"a","data":${'['.repeat(depth)}${']'.repeat(depth)}}`,
      `{"channel":"a","data":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`,
      `{"channel":"a","data":1,"x":${'['.repeat(depth)}${']'.repeat(depth)}}`,
      `${'['.repeat(depth)}${']'.repeat(depth)}`,
      '['.repeat(depth),
      '{"channel":'.repeat(depth),
    ]
    for (const body of bodies) expectCoded(await hub.publish(body), 400, body)
    const fine = `${'['.repeat(50)}${']'.repeat(50)}`
    expect((await hub.publish(`{"channel":"a","data":${fine}}`)).status).toBe(201)
    expect(await readStored(hub, 'a')).toEqual([fine])
  })

  test('JSON that hides its depth under a key that is given again', async () => {
    const hub = await startHub()
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const body = `{"channel":"a","data":{"a":${deep},"a":1234567890123456}}`
    expectCoded(await hub.publish(body), 400, 'deep')
  })

  test('a body that is compressed is refused, not stored as it is', async () => {
    const hub = await startHub()
    for (const path of ['/publish', '/channels/a']) {
      for (const coding of ['gzip', 'br']) {
        const headers = { ...json, 'Content-Encoding': coding }
        const compress = coding === 'gzip' ? gzipSync : brotliCompressSync
        const body = compress('{"channel":"a","data":"aaaaaaaaaaaaaaaaaaaaaaaaaaaa"}')
        const answer = await request(hub.port, 'POST', path, { headers, body })
        expectCoded(answer, [400, 415], `${coding} ${path}`)
      }
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })
})

describe('a field of the wrong kind is 400, naming it', () => {
  const message = { channel: 'a', data: 'x' }
  const kinds = [null, true, false, 0, 1, '', 'x', [], ['x'], [null], {}, { a: 1 }]
  const isKind: Record<string, (value: unknown) => boolean> = {
    channel: (value) => value === 'x',
    channels: (value) => Array.isArray(value) && value[0] === 'x',
    event: (value) => value === 'x',
    retry: () => false,
    idempotencyKey: (value) => value === 'x',
    ephemeral: (value) => typeof value === 'boolean',
    end: (value) => typeof value === 'boolean',
  }

  test.each(Object.keys(isKind))('%s', async (field) => {
    const hub = await startHub()
    const bad = [...kinds.filter((value) => !isKind[field]!(value)), 'true', '0', 1e300]
    const bare = field === 'channels' ? { data: 'x' } : message
    for (const value of bad) {
      if (typeof value === 'string' && isKind[field]!('x')) continue
      const answer = await hub.publish({ ...bare, [field]: value })
      const label = `${field} ${JSON.stringify(value)}`
      expect.soft(expectCoded(answer, 400, label).message, label).toContain(field)
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('no channel, no channels, both, no data', async () => {
    const hub = await startHub()
    expect(expectCoded(await hub.publish({ data: 'x' }), 400).message).toContain('channel')
    expect(expectCoded(await hub.publish({ channel: 'a' }), 400).message).toContain('data')
    const both = await hub.publish({ channel: 'a', channels: ['a'], data: 'x' })
    expect(expectCoded(both, 400).message).toContain('channels')
    expectCoded(await hub.publish({}), 400)
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('101 channels', async () => {
    const hub = await startHub()
    const channels = Array.from({ length: 101 }, (_, n) => `c${n}`)
    expect(expectCoded(await hub.publish({ channels, data: 'x' }), 400).message).toContain('100')
    expect(await readStored(hub, 'c0')).toEqual([])
  })

  test('a retry that is no integer of 100 to 2147483647', async () => {
    const hub = await startHub()
    for (const retry of ['1.5', '100.5', '-1', '0', '99', '1e10', '2147483648', '"3"', '"500"']) {
      const answer = await hub.publish(`{"channel":"a","data":"x","retry":${retry}}`)
      expect.soft(expectCoded(answer, 400, retry).message).toContain('retry')
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('an event that SSE or the hub cannot carry', async () => {
    const hub = await startHub()
    const events = [
      '',
      'a\nb',
      '\n',
      'a\r',
      'a\u0000',
      'x'.repeat(101),
      `${'é'.repeat(50)}x`,
      '\u{1F600}'.repeat(26),
      'error',
      'open',
      'piazza.',
      'piazza.x',
      'piazza.open',
    ]
    for (const event of events) {
      const answer = await hub.publish({ ...message, event })
      expect.soft(expectCoded(answer, 400, JSON.stringify(event)).message).toContain('event')
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })
})
