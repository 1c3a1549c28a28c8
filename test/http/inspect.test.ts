import { describe, expect, test } from 'vitest'
import { openStream } from '../support/raw-stream.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { expectCoded } from './expect-coded.ts'
import { request } from './request.ts'

const KEY = 'correct-horse-battery-staple'

const get = (hub: TestHub, path: string, headers: Record<string, string> = {}) =>
  request(hub.port, 'GET', path, { headers })

describe('GET /channels/:name/history', () => {
  test('tells each message as a stream carries it', async () => {
    const hub = await startHub()
    const sent = Date.now()
    const first = await hub.send('a', 'two\r\nlines')
    const second = await hub.send('a', { é: [1] }, { event: 'été', retry: 1000 })
    const { json } = await get(hub, '/channels/a/history')
    expect(json).toEqual({
      messages: [
        { id: first, time: expect.any(String), event: 'message', data: 'two\nlines' },
        { id: second, time: expect.any(String), event: 'été', data: '{"é":[1]}' },
      ],
      complete: true,
      more: false,
      lastId: second,
    })
    for (const { time } of json.messages) {
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(Math.abs(Date.parse(time) - sent)).toBeLessThan(10_000)
    }
  })

  test('pages by the last id until there is no more', async () => {
    const hub = await startHub()
    for (let i = 0; i < 7; i += 1) await hub.send('a', i)
    const data: string[] = []
    let after = ''
    for (let hasMore = true; hasMore;) {
      const { json } = await get(hub, `/channels/a/history?limit=3&after=${after}`)
      for (const message of json.messages) data.push(message.data)
      after = json.messages.at(-1).id
      hasMore = json.more
    }
    expect(data).toEqual(['0', '1', '2', '3', '4', '5', '6'])
  })

  test('since a time, since a duration, and after an id that wins over both', async () => {
    const hub = await startHub()
    const id = await hub.send('a', 'x')
    const texts = async (query: string) => {
      const { json } = await get(hub, `/channels/a/history?${query}`)
      return json.messages.map(({ data }: { data: string }) => data)
    }
    expect(await texts('since=10m')).toEqual(['x'])
    expect(await texts('after=&since=&limit=100')).toEqual(['x'])
    expect(await texts('since=2020-01-01T00:00:00Z')).toEqual(['x'])
    expect(await texts('since=2100-01-01T00:00:00Z')).toEqual([])
    expect(await texts(`since=all&after=${id}`)).toEqual([])
  })

  test('does not begin with what a foreign id could mean, and says that it can not tell', async () => {
    const hub = await startHub()
    const lastId = await hub.send('a', 'x')
    const { json } = await get(hub, '/channels/a/history?after=17-42')
    expect(json).toEqual({ messages: [], complete: false, more: false, lastId })
  })
})

describe('GET /channels/:name/stats', () => {
  test('counts messages, bytes and streams', async () => {
    const hub = await startHub()
    const lastId = await hub.send('a', 'x')
    for (const names of ['a', 'a,b']) await openStream(hub.port, `/channels/${names}`)
    const { json } = await get(hub, '/channels/a/stats')
    const bytes = `data: x\nid: ${lastId}\n\n`.length
    expect(json).toEqual({ name: 'a', lastId, messages: 1, bytes, streams: 2, ended: false })
  })

  test('of an unknown channel are zeros, and do not create it', async () => {
    const hub = await startHub()
    const { status, json } = await get(hub, '/channels/none/stats')
    const zeros = { name: 'none', lastId: null, messages: 0, bytes: 0, streams: 0, ended: false }
    expect({ status, json }).toEqual({ status: 200, json: zeros })
    expect(await hub.metric('piazza_channels')).toBe(0)
  })
})

describe('GET /channels', () => {
  test('lists what matches, newest first, with the streams of this replica', async () => {
    const hub = await startHub()
    await hub.send('orders.1', 'x')
    const lastId = await hub.send('orders.2.paid', 'x')
    await hub.send('news', 'x')
    await openStream(hub.port, '/channels/orders.2.paid')
    const { json } = await get(hub, '/channels?match=orders.**')
    expect(json.channels).toEqual([
      { name: 'orders.2.paid', lastId, messages: 1, streams: 1 },
      { name: 'orders.1', lastId: expect.any(String), messages: 1, streams: 0 },
    ])
    expect(json.next).toBeNull()
  })

  test('pages through many channels, each once', async () => {
    const hub = await startHub()
    for (let i = 0; i < 25; i += 1) await hub.send(`c${i}`, 'x')
    const names: string[] = []
    let after = ''
    for (let hasMore = true; hasMore;) {
      const { json } = await get(hub, `/channels?limit=10&after=${encodeURIComponent(after)}`)
      for (const channel of json.channels) names.push(channel.name)
      after = json.next
      hasMore = after !== null
    }
    expect(names).toEqual(Array.from({ length: 25 }, (_, i) => `c${24 - i}`))
  })
})

describe('bad input gets a clear answer', () => {
  test.each([
    ['/channels?match=a..b', 'match'],
    ['/channels?match=', 'match'],
    ['/channels?match=**.a', 'match'],
    ['/channels?limit=0', '1 to 1000'],
    ['/channels?limit=1001', '1 to 1000'],
    ['/channels?limit=ten', '1 to 1000'],
    ['/channels?after=nonsense', 'next'],
    ['/channels?matches=a', 'match, limit, after'],
    ['/channels?limit=1&limit=2', 'limit stands 2 times'],
    ['/channels/a/history?since=yesterday', 'RFC 3339'],
    ['/channels/a/history?last=3', 'after, since, limit'],
    ['/channels/a/history?limit=1.5', '1 to 1000'],
    ['/channels/a,b/history', 'channel name "a,b"'],
    ['/channels/a..b/stats', 'channel name "a..b"'],
    ['/channels/a/stats?x=1', 'no parameter "x"; this route takes none'],
  ])('%s', async (path, words) => {
    const hub = await startHub()
    const { message } = expectCoded(await get(hub, path), 400, path)
    expect(message).toContain(words)
  })
})

describe('access', () => {
  const bearer = { Authorization: `Bearer ${KEY}` }

  test('a list and stats take a key, a history what may be subscribed to', async () => {
    const hub = await startHub({ PIAZZA_PUBLISH_KEYS: KEY, PIAZZA_PUBLIC_CHANNELS: 'open.*' })
    for (const name of ['open.a', 'closed']) {
      await hub.publish({ channel: name, data: 'x' }, { authorization: `Bearer ${KEY}` })
    }
    expectCoded(await get(hub, '/channels'), 401, 'list')
    expect((await get(hub, '/channels', bearer)).json.channels).toHaveLength(2)
    expect((await get(hub, '/channels/open.a/history')).json.messages).toHaveLength(1)
    expectCoded(await get(hub, '/channels/closed/history'), 401, 'history')
    expect((await get(hub, '/channels/closed/history', bearer)).json.messages).toHaveLength(1)
    expectCoded(await get(hub, '/channels/open.a/stats'), 401, 'stats')
    expect((await get(hub, '/channels/open.a/stats', bearer)).json.messages).toBe(1)
    expectCoded(await get(hub, '/channels', { Authorization: 'Bearer wrong' }), 401, 'wrong key')
  })
})
