import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'
import { expectCoded } from './expect-coded.ts'
import { readStored, readUpToMarker } from './read-stored.ts'
import { encodeRequest, exchange, request } from './request.ts'

function encodePublish(hub: TestHub, channel: string, data: string): string {
  return encodeRequest(hub.port, 'POST', `/channels/${channel}`, { body: data }).toString('latin1')
}

describe('what comes behind a subscribe on its connection', () => {
  test('another request in the same packet: a coded 409, and neither is executed', async () => {
    const hub = await startHub()
    const subscribe = encodeRequest(hub.port, 'GET', '/channels/a').toString('latin1')
    const behind = [
      encodePublish(hub, 'a', 'smuggled'),
      subscribe,
      encodeRequest(hub.port, 'GET', '/livez').toString('latin1'),
    ]
    for (const trailer of behind) {
      const [answer] = await exchange(hub.port, subscribe + trailer)
      expectCoded(answer!, 409, trailer)
    }
    expect(await hub.metric('piazza_streams')).toBe(0)
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('garbage in the same packet: a stream or a coded refusal', async () => {
    const hub = await startHub()
    const subscribe = encodeRequest(hub.port, 'GET', '/channels/a').toString('latin1')
    for (const garbage of [
      '\r\n',
      'garbage\r\n\r\n',
      '\u0000',
      'POST /pub',
      'GET / HTTP/1.1\r\n\r\n',
    ]) {
      const [answer] = await exchange(hub.port, subscribe + garbage)
      if (answer!.status !== 200) expectCoded(answer!, [400, 409], JSON.stringify(garbage))
    }
    await waitFor('all streams to be gone', async () => (await hub.metric('piazza_streams')) === 0)
  })

  test('a request in a later packet is not executed, and the stream goes on', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    await stream.waitForEvents(1)
    for (const data of ['smuggled', 'smuggled too']) {
      stream.socket.write(encodePublish(hub, 'a', data))
    }
    stream.socket.write('garbage\r\n\r\n\u0000')
    expect(await readUpToMarker(hub, stream, 'a')).toEqual([])
    expect(await readUpToMarker(hub, stream, 'a')).toEqual([])
    expect(stream.isClosed).toBe(false)
    expect(stream.raw.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('more than 16 KiB of it closes the stream', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    await stream.waitForEvents(1)
    for (let sent = 0; sent <= 17 * 1024; sent += 1024) stream.socket.write(Buffer.alloc(1024, 'x'))
    await stream.waitForClose()
    await waitFor(
      'the stream to be forgotten',
      async () => (await hub.metric('piazza_streams')) === 0,
    )
  })
})

describe('what comes before a subscribe on its connection', () => {
  test('a publish in the same packet is answered and stored, the subscribe is a coded 409', async () => {
    const hub = await startHub()
    const subscribe = encodeRequest(hub.port, 'GET', '/channels/a').toString('latin1')
    const packet = encodePublish(hub, 'a', 'first') + subscribe
    const [publish, refused] = await exchange(hub.port, packet, { count: 2 })
    expect(publish!.status).toBe(201)
    expectCoded(refused!, 409)
    expect(await hub.metric('piazza_streams')).toBe(0)
    expect(await readStored(hub, 'a')).toEqual(['first'])
  })

  test('a connection that was used before is used for a stream', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/livez')
    await waitFor('the first answer', () => stream.body.includes('}'))
    stream.socket.write(encodeRequest(hub.port, 'GET', '/channels/a'))
    await waitFor('the stream', () => stream.raw.includes('text/event-stream'))
    await hub.send('a', 'here')
    await waitFor('the message', () => /^data: ?here$/m.test(stream.raw))
  })
})

describe('what is no request behind one that is', () => {
  const HOST = 'Host: 127.0.0.1\r\n'
  const behind: [string, number, string][] = [
    ['garbage', 400, '\u0000\u0001garbage\r\n\r\n'],
    ['an expectation', 417, `POST /channels/a HTTP/1.1\r\n${HOST}Expect: foo\r\n\r\n`],
    ['a CONNECT', 405, `CONNECT x:1 HTTP/1.1\r\n${HOST}\r\n`],
  ]

  test.each(behind)('%s: each has its own answer, in order', async (_what, status, bytes) => {
    const hub = await startHub()
    const packet = encodePublish(hub, 'a', 'one') + encodePublish(hub, 'a', 'two') + bytes
    const answers = await exchange(hub.port, packet, { count: 3 })
    expect(answers.map((answer) => answer.status)).toEqual([201, 201, status])
    expect(await readStored(hub, 'a')).toEqual(['one', 'two'])
  })

  test.each(behind)(
    '%s behind a subscribe: the answer is the subscribe’s',
    async (_what, _, bytes) => {
      const hub = await startHub()
      const subscribe = encodeRequest(hub.port, 'GET', '/channels/a').toString('latin1')
      const [answer] = await exchange(hub.port, subscribe + bytes)
      if (answer!.status !== 200) expectCoded(answer!, 409)
    },
  )

  test('a body that is broken behind others that are not answered closes the connection', async () => {
    const hub = await startHub()
    const broken = `POST /channels/a HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`
    const packet = encodePublish(hub, 'a', 'one') + broken
    await expect(exchange(hub.port, packet)).rejects.toThrow('closed after 0 of 1 answers')
  })

  test('garbage again and again while an answer is awaited is answered once', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/livez', { trailer: '\u0000garbage' })
    stream.socket.write('\u0000garbage')
    await stream.waitForClose()
    expect(stream.raw.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400'])
  })
})

describe('a body on a GET', () => {
  test('is never taken for a request, and the answer is a stream or a coded 400', async () => {
    const hub = await startHub()
    const body = encodePublish(hub, 'a', 'smuggled')
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    for (const [header, trailer] of [
      ['Content-Length', body],
      ['Transfer-Encoding', chunked],
    ] as const) {
      const value = header === 'Content-Length' ? String(body.length) : 'chunked'
      const stream = await openStream(hub.port, '/channels/a', {
        headers: { [header]: value },
        trailer,
      })
      if (stream.status === 200) expect(await readUpToMarker(hub, stream, 'a')).toEqual([])
      else expect(stream.status).toBe(400)
      stream.close()
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('of any content type changes nothing elsewhere', async () => {
    const hub = await startHub()
    for (const type of ['application/json', 'text/plain', 'nonsense']) {
      const headers = { 'Content-Type': type }
      const answer = await request(hub.port, 'GET', '/livez', { headers, body: '{' })
      expect.soft([200, 400, 415], type).toContain(answer.status)
      if (answer.status !== 200) expectCoded(answer, [400, 415], type)
    }
  })
})

describe('routes and methods', () => {
  test('an unknown route is a coded 404', async () => {
    const hub = await startHub()
    for (const path of ['/nope', '/publish/x', '/channels/a/b', '//', '/.well-known/x', '/%00']) {
      expectCoded(await request(hub.port, 'GET', path), 404, path)
      expectCoded(await request(hub.port, 'POST', path, { body: '{}' }), 404, path)
    }
  })

  test('a route that is no UTF-8 or a broken escape is refused', async () => {
    const hub = await startHub()
    for (const path of ['/%', '/%zz', '/%FF', '/publish%']) {
      expectCoded(await request(hub.port, 'GET', path), [400, 404], path)
    }
  })

  test('another method on a route is 405 with Allow', async () => {
    const hub = await startHub()
    const routes: [string, string[], string[]][] = [
      ['/publish', ['GET', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'TRACE'], ['POST']],
      ['/channels/a', ['PUT', 'PATCH', 'PROPFIND', 'TRACE'], ['GET', 'HEAD', 'POST', 'DELETE']],
      ['/livez', ['POST', 'PUT', 'DELETE'], ['GET', 'HEAD']],
      ['/readyz', ['POST'], ['GET']],
      ['/metrics', ['POST'], ['GET']],
    ]
    for (const [path, methods, allowed] of routes) {
      for (const method of methods) {
        const answer = await request(hub.port, method, path)
        expectCoded(answer, 405, `${method} ${path}`)
        const allow = (answer.headers['allow'] ?? '').split(/, */)
        expect.soft(allow, `${method} ${path}`).toEqual(expect.arrayContaining(allowed))
        expect.soft(allow, `${method} ${path}`).not.toContain(method)
      }
    }
  })

  test('another method with a body is 405, whatever the body', async () => {
    const hub = await startHub()
    for (const type of ['application/json', 'nonsense', 'text/plain']) {
      const headers = { 'Content-Type': type }
      expectCoded(await request(hub.port, 'PUT', '/publish', { headers, body: '{' }), 405, type)
    }
  })

  test('a GET where there is none is a 405, also with a body', async () => {
    const hub = await startHub()
    const answer = await request(hub.port, 'GET', '/publish', { body: 'x' })
    expectCoded(answer, 405)
    expect(answer.headers['allow']).toBe('POST, OPTIONS')
  })

  test('a method that Node does not name is refused as any bad request', async () => {
    const hub = await startHub()
    const [answer] = await exchange(hub.port, 'PRI /channels\r\nHost: localhost\r\n\r\n')
    expect(expectCoded(answer!, 400).message).toContain('PRI')
    expect(answer!.headers).toMatchObject({ 'x-content-type-options': 'nosniff' })
  })

  test('a target that is no address is refused with the headers of all answers', async () => {
    const hub = await startHub()
    const answer = await request(hub.port, 'GET', 'http://:evil.example/publish')
    expectCoded(answer, 400)
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    })
  })

  test('a CONNECT is refused with words', async () => {
    const hub = await startHub()
    for (const target of ['/publish', 'evil.example:443']) {
      const [answer] = await exchange(hub.port, encodeRequest(hub.port, 'CONNECT', target))
      expectCoded(answer!, [400, 404, 405], target)
      expect(answer!.headers['allow']).toBe('')
    }
  })

  test('an Upgrade is not taken up: the stream is a stream', async () => {
    const hub = await startHub()
    for (const protocol of ['websocket', 'h2c']) {
      const stream = await openStream(hub.port, '/channels/a', {
        headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: protocol },
      })
      expect.soft(stream.status, protocol).toBe(200)
      await hub.send('a', protocol)
      await stream.waitForMessages(1)
      stream.close()
    }
  })

  test('a method nobody knows is refused', async () => {
    const hub = await startHub()
    for (const method of ['BREW', 'get', 'X']) {
      const [answer] = await exchange(hub.port, encodeRequest(hub.port, method, '/publish'))
      expectCoded(answer!, [400, 404, 405], method)
    }
  })
})

describe('what is no HTTP', () => {
  test('raw garbage is a coded 400', async () => {
    const hub = await startHub()
    const host = 'Host: 127.0.0.1\r\n'
    const packets = [
      'garbage\r\n\r\n',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00FC\u0003\u0003',
      '\u0000\u0000\u0000\u0000\r\n\r\n',
      'GET\r\n\r\n',
      `GET /livez HTTP/9.9\r\n${host}\r\n`,
      `GET /livez HTTP/1.1\r\n${host}no colon\r\n\r\n`,
      `GET /livez HTTP/1.1\r\n${host}a b: c\r\n\r\n`,
      `GET /live z HTTP/1.1\r\n${host}\r\n`,
      `POST /publish HTTP/1.1\r\n${host}Content-Length: x\r\n\r\n`,
      `POST /publish HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
      `POST /publish HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx`,
      `POST /publish HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]
    for (const packet of packets) {
      const [answer] = await exchange(hub.port, packet)
      expectCoded(answer!, 400, JSON.stringify(packet))
    }
    expect((await hub.get('/livez')).status).toBe(200)
  })

  test('a chunk size that is none is a coded 400', async () => {
    const hub = await startHub()
    const head =
      'POST /channels/a HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n'
    const [answer] = await exchange(hub.port, `${head}xyz\r\n`)
    expectCoded(answer!, 400)
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('headers over the limit are a coded 431', async () => {
    const hub = await startHub()
    const headers = { 'X-Big': 'x'.repeat(200_000) }
    expectCoded(await request(hub.port, 'GET', '/livez', { headers }), 431)
    expectCoded(await request(hub.port, 'GET', '/channels/a', { headers }), 431)
    expectCoded(await request(hub.port, 'GET', `/channels/${'n,'.repeat(100_000)}`), [414, 431])
  })

  test('a request target that is no path is refused', async () => {
    const hub = await startHub()
    const targets = ['http://evil.example/publish', 'publish', 'http://', 'evil.example:443']
    for (const target of targets) {
      const [answer] = await exchange(hub.port, encodeRequest(hub.port, 'GET', target))
      expectCoded(answer!, [400, 403, 404, 405], target)
    }
  })

  test('an expectation that nobody can meet is a coded 417', async () => {
    const hub = await startHub()
    const options = { headers: { Expect: 'miracles' }, body: 'x' }
    expectCoded(await request(hub.port, 'POST', '/channels/a', options), 417)
  })

  test('a request with two Hosts is refused', async () => {
    const hub = await startHub()
    for (const second of ['127.0.0.1', 'evil.example', '']) {
      const headers = { host: second } // beside the Host that is always sent
      expectCoded(await request(hub.port, 'GET', '/livez', { headers }), 400, second)
    }
  })

  test('an HTTP/1.1 request without Host is refused', async () => {
    const hub = await startHub()
    const headers = { Host: null }
    expectCoded(await request(hub.port, 'GET', '/livez', { headers }), [400, 403])
  })
})

describe('HTTP/1.0', () => {
  test('a subscribe gets plain bytes, without chunks', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a', { version: '1.0' })
    expect(stream.status).toBe(200)
    expect(stream.headers['content-type']).toBe('text/event-stream')
    expect(stream.headers['transfer-encoding']).toBeUndefined()
    const id = await hub.send('a', 'one\ntwo')
    await stream.waitForMessages(1)
    expect(stream.messages[0]).toMatchObject({ data: 'one\ntwo', id })
    await hub.send('a', 'bye', { end: true })
    await stream.waitForClose()
  })

  test('a publish works', async () => {
    const hub = await startHub()
    const answer = await request(hub.port, 'POST', '/channels/a', { version: '1.0', body: 'x' })
    expect(answer.status).toBe(201)
  })
})
