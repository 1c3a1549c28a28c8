import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream, type RawStreamOptions } from '../support/raw-stream.ts'
import { expectCoded } from './expect-coded.ts'
import { readUpToMarker } from './read-stored.ts'
import { request } from './request.ts'

function get(hub: TestHub, path: string) {
  return request(hub.port, 'GET', path)
}

async function expectUnknown(hub: TestHub, path: string, options: RawStreamOptions, id: string) {
  const label = id.slice(0, 40)
  const stream = await openStream(hub.port, path, options)
  expect(stream.status, label).toBe(200)
  await stream.waitForEvents(2)
  expect(stream.events[0]?.event, label).toBe('piazza.open')
  expect(stream.events[1]?.event, label).toBe('piazza.gap')
  const gap = JSON.parse(stream.events[1]!.data)
  expect.soft(gap, label).toEqual({ reason: 'unknown', channels: null, after: null })
  stream.close()
}

describe('names of a subscribe', () => {
  test('what is no name is 400', async () => {
    const hub = await startHub()
    const long = 'n'.repeat(201)
    const names = ['a..b', '.a', 'a.', '.a.', '%20', 'a%20b', 'a%2Fb', '%2F', 'a%5Cb']
    const odd = ['%C3%A9', '%F0%9F%98%80', 'a%00', '%00', 'a%0A', 'a%0D%0Ab', 'a;b', 'a!', "a'"]
    const lists = ['a,', ',a', ',', 'a,,b', 'a,b..c', 'a%2C', 'a,%20b', `a,${long}`]
    for (const name of [...names, ...odd, ...lists, long, 'a%2520b', 'a%3Fb', 'a%23b']) {
      const answer = await get(hub, `/channels/${name}`)
      expect.soft(expectCoded(answer, 400, name).code, name).toBe('PIAZZA_ERR_CHANNEL_INVALID')
    }
  })

  test('a broken percent escape, or one that is no UTF-8, is 400', async () => {
    const hub = await startHub()
    for (const name of ['%', 'a%', 'a%2', '%zz', 'a%ffb', '%C3', '%C0%AF', 'ok,%']) {
      expectCoded(await get(hub, `/channels/${name}`), 400, name)
    }
  })

  test('raw bytes beyond ASCII are 400', async () => {
    const hub = await startHub()
    for (const name of ['\u00E9', '\u00C3\u00A9', 'a\u0080', 'a\u007F', 'a\tb']) {
      expectCoded(await get(hub, `/channels/${name}`), 400, JSON.stringify(name))
    }
  })

  test('no name at all is refused', async () => {
    const hub = await startHub()
    expectCoded(await get(hub, '/channels/'), [400, 404])
  })

  test('a pattern is refused, saying that it is one', async () => {
    const hub = await startHub()
    for (const name of ['*', '**', 'a.*', 'a.**', '*.b', 'a.*.b', 'ok,a.*', 'a.%2A']) {
      const answer = await get(hub, `/channels/${name}`)
      const { code } = expectCoded(answer, 400, name)
      expect.soft(code, name).toBe('PIAZZA_ERR_PATTERN_UNSUPPORTED')
    }
  })

  test.each([',', '%2C', '%2c'])('64 names of 200 characters work, separated by %s', async (by) => {
    const hub = await startHub()
    const names = Array.from({ length: 64 }, (_, n) => `${n}-`.padEnd(200, 'n'))
    const stream = await openStream(hub.port, `/channels/${names.join(by)}`)
    expect(stream.status).toBe(200)
    await hub.send(names[0]!, 'first')
    await hub.send(names[63]!, 'last')
    await stream.waitForMessages(2)
    expect(stream.messages.map((message) => message.data)).toEqual(['first', 'last'])
  })

  test('65 names are 400', async () => {
    const hub = await startHub()
    const names = Array.from({ length: 65 }, (_, n) => `c${n}`)
    expect(expectCoded(await get(hub, `/channels/${names.join(',')}`), 400).message).toMatch(/64/)
  })

  test('a name that is asked for twice is one channel', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a,b,a,%61')
    expect(stream.status).toBe(200)
    await hub.send('a', 'once')
    expect(await readUpToMarker(hub, stream, 'a')).toEqual(['once'])
  })
})

describe('query parameters of a subscribe', () => {
  test('nonsense in a known one is 400, naming it', async () => {
    const hub = await startHub()
    const queries = [
      'since=yesterday',
      'since=10',
      'since=-5m',
      'since=5',
      'since=10x',
      'since=m',
      'since=ALL',
      'since=1h%2030m',
      'since=2024-13-45T00:00:00Z',
      'since=2024-01-01',
      'since=2024-01-01T00:00:00',
      'since=now',
      'since=NaN',
      'since=%00',
      `since=${'9'.repeat(5000)}`,
      'last=0',
      'last=-1',
      'last=1001',
      'last=1.5',
      'last=1e2',
      'last=0x10',
      'last=abc',
      'last=%2010',
      'last=99999999999999999999',
      'ping=4',
      'ping=301',
      'ping=0',
      'ping=-5',
      'ping=x',
      'ping=1e1',
      'ping=Infinity',
      'envelope=yes',
      'envelope=2',
      'control=maybe',
      'control=1',
      'padding=lots',
      'padding=2',
    ]
    for (const query of queries) {
      const answer = await get(hub, `/channels/a?${query}`)
      const { message } = expectCoded(answer, 400, query)
      expect.soft(message, query).toContain(query.split('=', 1)[0])
      expect.soft(message.length, query).toBeLessThan(500)
    }
  })

  test('a day that the month does not have is no moment', async () => {
    const hub = await startHub()
    for (const day of ['2024-02-30', '2023-02-29', '2024-04-31']) {
      expectCoded(await get(hub, `/channels/a?since=${day}T00:00:00Z`), 400, day)
    }
  })

  test('since takes a moment, a duration back and all; the future is live only', async () => {
    const hub = await startHub()
    await hub.send('a', 'old')
    const replays = ['all', '90s', '10m', '2h', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00.5Z']
    const offsets = ['2024-01-01T02:00:00%2B02:00', '2024-01-01T00:00:00-08:00']
    for (const since of [...replays, ...offsets]) {
      const stream = await openStream(hub.port, `/channels/a?since=${since}`)
      expect(stream.status, since).toBe(200)
      expect(await readUpToMarker(hub, stream, 'a'), since).toEqual(['old'])
      stream.close()
    }
    const future = await openStream(hub.port, '/channels/a?since=2999-01-01T00:00:00Z')
    expect(future.status).toBe(200)
    expect(await readUpToMarker(hub, future, 'a')).toEqual([])
    expect(future.control('gap')).toEqual([])
  })

  test('unknown parameters are ignored, however odd', async () => {
    const hub = await startHub()
    for (const query of ['_=1700000000', 'a[]=1', '%', '=&=', '&&', '__proto__=1', 'x=%FF', '?']) {
      const stream = await openStream(hub.port, `/channels/a?${query}`)
      expect.soft(stream.status, query).toBe(200)
      stream.close()
    }
  })

  test('an unknown parameter that is broken changes nothing for the rest of the URL', async () => {
    const hub = await startHub()
    const id = await hub.send('user:1', 'old')
    await hub.send('user:1', 'new')
    for (const broken of ['x=%', 'x=%zz', 'x=%FF']) {
      const named = await openStream(hub.port, `/channels/user%3A1?since=all&${broken}`)
      expect.soft(named.status, broken).toBe(200)
      const since = '2024-01-01T00%3A00%3A00Z'
      const dated = await openStream(hub.port, `/channels/user:1?since=${since}&${broken}`)
      expect.soft(dated.status, broken).toBe(200)
      const resumed = await openStream(hub.port, `/channels/user:1?lastEventId=${id}&${broken}`)
      expect.soft(await readUpToMarker(hub, resumed, 'user:1'), broken).toEqual(['new'])
      for (const stream of [named, dated, resumed]) stream.close()
    }
  })

  test('a parameter that is given twice is never the hub’s fault', async () => {
    const hub = await startHub()
    const names = ['since=all', 'last=5', 'ping=10', 'envelope=1', 'control=off', 'events=x']
    for (const name of names) {
      const stream = await openStream(hub.port, `/channels/a?${name}&${name}`)
      expect.soft([200, 400], name).toContain(stream.status)
      stream.close()
    }
  })
})

describe('an id that is not one of ours never refuses a subscribe', () => {
  const foreign = [
    'garbage',
    '0',
    '-1',
    '12345',
    '1700000000000-0',
    'zzzzzzzzzzz',
    'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzz',
    'urn:uuid:6f1b6c1e-1b1e-4c1e-8c1e-1b1e4c1e8c1e',
    '01HV3Z5J8KQ2X7Y6W5V4T3S2R1',
    '[{"topic":"a","partition":0,"offset":1}]',
    'null',
    'undefined',
    'a b',
    '../../etc/passwd',
    '%00',
    '\u00E9\u00FF',
    '\u00C3\u00A9',
    'x'.repeat(10_000),
  ]

  test('in the header', async () => {
    const hub = await startHub()
    await hub.send('a', 'old')
    for (const id of foreign) {
      await expectUnknown(hub, '/channels/a', { headers: { 'Last-Event-ID': id } }, id)
    }
  })

  test('in the query, in either spelling', async () => {
    const hub = await startHub()
    await hub.send('a', 'old')
    for (const id of [...foreign.slice(0, -3), '\u0000', '\r\n', 'é', '\u{1F600}']) {
      const encoded = encodeURIComponent(id)
      await expectUnknown(hub, `/channels/a?lastEventId=${encoded}`, {}, id)
      await expectUnknown(hub, `/channels/a?last_event_id=${encoded}`, {}, id)
    }
    for (const broken of ['%', '%zz', '%FF', 'x%C3']) {
      await expectUnknown(hub, `/channels/a?lastEventId=${broken}`, {}, broken)
    }
  })

  test('after such an id the stream is live, without what was before', async () => {
    const hub = await startHub()
    await hub.send('a', 'old')
    const stream = await openStream(hub.port, '/channels/a', {
      headers: { 'Last-Event-ID': 'garbage' },
    })
    const id = await hub.send('a', 'new')
    expect(await readUpToMarker(hub, stream, 'a')).toEqual(['new'])
    const gapId = stream.control('gap')[0]?.id
    if (gapId !== undefined) expect(gapId < id).toBe(true)
  })

  test('given twice, in the header or in the query', async () => {
    const hub = await startHub()
    const twice = await openStream(hub.port, '/channels/a', {
      headers: { 'Last-Event-ID': 'one', 'last-event-id': 'two' },
    })
    expect(twice.status).toBe(200)
    const query = await openStream(hub.port, '/channels/a?lastEventId=one&lastEventId=two')
    expect(query.status).toBe(200)
  })

  test('an empty one is none: no gap', async () => {
    const hub = await startHub()
    for (const query of ['lastEventId=', 'last_event_id=', 'lastEventId']) {
      const stream = await openStream(hub.port, `/channels/a?${query}`, {
        headers: { 'Last-Event-ID': '' },
      })
      expect(stream.status, query).toBe(200)
      expect(await readUpToMarker(hub, stream, 'a')).toEqual([])
      expect.soft(stream.control('gap'), query).toEqual([])
    }
  })

  test('an id later than the clock of the hub is unknown', async () => {
    const hub = await startHub()
    const id = await hub.send('a', 'old')
    const last = id.length - 1
    const later = id.slice(0, 2) + id.slice(2).replaceAll(/[a-z0-9]/g, 'z')
    expect(later.length - 1).toBe(last)
    const stream = await openStream(hub.port, '/channels/a', {
      headers: { 'Last-Event-ID': later },
    })
    await stream.waitForEvents(2)
    expect(JSON.parse(stream.control('gap')[0]!.data)).toMatchObject({
      reason: 'unknown',
      channels: null,
    })
  })
})
