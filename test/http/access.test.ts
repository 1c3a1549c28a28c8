import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { expectCoded } from './expect-coded.ts'
import { readStored } from './read-stored.ts'
import { request } from './request.ts'

const KEY = 'correct-horse-battery-staple'
const OTHER_KEY = 'another-key-of-enough-length'
const keys = { PIAZZA_PUBLISH_KEYS: `${KEY},${OTHER_KEY}` }
const bearer = { Authorization: `Bearer ${KEY}` }

type Headers = Record<string, string | null>

const subscribe = (hub: TestHub, names: string, headers: Headers = {}) =>
  request(hub.port, 'GET', `/channels/${names}`, { headers })

const remove = (hub: TestHub, name: string, headers: Headers = {}) =>
  request(hub.port, 'DELETE', `/channels/${name}`, { headers })

const publishRaw = (hub: TestHub, name: string, headers: Headers = {}) =>
  request(hub.port, 'POST', `/channels/${name}`, { headers, body: 'x' })

const publish = (hub: TestHub, headers: Headers = {}) =>
  request(hub.port, 'POST', '/publish', {
    headers: { 'Content-Type': 'application/json', ...headers },
    body: '{"channel":"a","data":"x"}',
  })

const publishBatch = (hub: TestHub, headers: Headers = {}) =>
  request(hub.port, 'POST', '/publish', {
    headers: { 'Content-Type': 'application/json', ...headers },
    body: '[{"channel":"a","data":"x"}]',
  })

/** Every way to write, by its name. */
const writes: [string, (hub: TestHub, headers?: Headers) => ReturnType<typeof request>][] = [
  ['publish', publish],
  ['publish of a batch', publishBatch],
  ['raw publish', (hub, headers) => publishRaw(hub, 'a', headers)],
  ['DELETE', (hub, headers) => remove(hub, 'gone', headers)],
]

function expect401(answer: Awaited<ReturnType<typeof request>>, what: string): string {
  expectCoded(answer, 401, what)
  const challenge = answer.headers['www-authenticate'] ?? 'none'
  expect.soft(challenge, what).toMatch(/^Bearer\b/)
  return challenge
}

describe('the open mode', () => {
  test('answers to a Host of this machine, with any port', async () => {
    const hub = await startHub()
    for (const name of ['localhost', '127.0.0.1', '[::1]', 'LocalHost']) {
      for (const host of [name, `${name}:${hub.port}`, `${name}:1`, `${name}:65535`]) {
        expect.soft((await publish(hub, { Host: host })).status, host).toBe(201)
        expect.soft((await subscribe(hub, 'a', { Host: host })).status, host).toBe(200)
      }
    }
  })

  test('answers 403 to any other Host, so that a rebound name reaches nothing', async () => {
    const hub = await startHub()
    const hosts = [
      'evil.example',
      `evil.example:${hub.port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'evil.example:127.0.0.1',
      'localhost@evil.example',
      'evil.example@localhost',
      'xlocalhost',
      '127.0.0.2',
      '0.0.0.0',
      '2130706433',
      '127.1',
      '[::]',
      '[::1].evil.example',
      '::1',
      'localhost, evil.example',
    ]
    for (const host of hosts) {
      expectCoded(await subscribe(hub, 'a', { Host: host }), 403, `subscribe ${host}`)
      for (const [what, write] of writes) {
        expectCoded(await write(hub, { Host: host }), 403, `${what} ${host}`)
      }
      const metrics = await request(hub.port, 'GET', '/metrics', { headers: { Host: host } })
      expectCoded(metrics, 403, `metrics ${host}`)
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('refuses an empty Host and none at all', async () => {
    const hub = await startHub()
    expectCoded(await subscribe(hub, 'a', { Host: '' }), [400, 403], 'empty')
    for (const path of ['/channels/a', '/metrics']) {
      const options = { version: '1.0', headers: { Host: null } } as const
      expectCoded(await request(hub.port, 'GET', path, options), 403, `none ${path}`)
    }
  })

  test('is not fooled by what a proxy would add', async () => {
    const hub = await startHub()
    const headers = {
      Host: 'evil.example',
      'X-Forwarded-Host': 'localhost',
      Forwarded: 'host=localhost',
    }
    expectCoded(await publish(hub, headers), 403)
  })

  test('no web page of another origin may publish or delete', async () => {
    const hub = await startHub({ PIAZZA_CORS_ORIGINS: 'https://app.example' })
    const own = `127.0.0.1:${hub.port}`
    const bad = [
      'null',
      'http://evil.example',
      'https://evil.example',
      `http://127.0.0.1:${hub.port + 1}`,
      'http://127.0.0.1',
      `http://${own}.evil.example`,
      `http://localhost:${hub.port}`,
      'https://app.example.evil.example',
      'http://app.example',
      'https://app.example:8443',
      'https://sub.app.example',
      'nonsense',
      'http://',
      own,
    ]
    for (const [what, write] of writes) {
      for (const origin of bad) {
        expectCoded(await write(hub, { Origin: origin }), 403, `${what} from ${origin}`)
      }
    }
    expect(await readStored(hub, 'a')).toEqual([])
    for (const [what, write] of writes) {
      for (const origin of [`http://${own}`, 'https://app.example', null]) {
        const answer = await write(hub, { Origin: origin })
        expect.soft([201, 204], `${what} from ${origin}: ${answer.text}`).toContain(answer.status)
      }
    }
  })

  test('a subscribe is not asked where it comes from', async () => {
    const hub = await startHub()
    for (const origin of ['null', 'https://evil.example']) {
      expect((await subscribe(hub, 'a', { Origin: origin })).status).toBe(200)
    }
  })

  test('metrics are open', async () => {
    const hub = await startHub()
    expect((await request(hub.port, 'GET', '/metrics')).status).toBe(200)
  })
})

describe('a publish key', () => {
  test('publishes, subscribes, deletes and inspects, each of those given', async () => {
    const hub = await startHub(keys)
    for (const key of [KEY, OTHER_KEY]) {
      const headers = { Authorization: `Bearer ${key}` }
      for (const [what, write] of writes) {
        expect.soft([201, 204], what).toContain((await write(hub, headers)).status)
      }
      expect((await subscribe(hub, 'a', headers)).status).toBe(200)
      expect((await request(hub.port, 'GET', '/metrics', { headers })).status).toBe(200)
    }
  })

  test('without one everything is 401, with a challenge that names no error', async () => {
    const hub = await startHub(keys)
    for (const [what, write] of writes) {
      expect.soft(expect401(await write(hub), what), what).not.toContain('error=')
    }
    expect.soft(expect401(await subscribe(hub, 'a'), 'subscribe')).not.toContain('error=')
    expect401(await request(hub.port, 'GET', '/metrics'), 'metrics')
    expect((await request(hub.port, 'HEAD', '/channels/a')).status).toBe(401)
    expect(await readStored(hub, 'a', bearer)).toEqual([])
  })

  test('that is wrong is 401 invalid_token, wherever it stands', async () => {
    const hub = await startHub(keys)
    const wrong = [KEY.slice(0, -1), `${KEY}x`, KEY.toUpperCase(), 'x', `${KEY},${OTHER_KEY}`, 'é']
    for (const key of wrong) {
      const headers = { Authorization: `Bearer ${key}` }
      for (const [what, write] of writes) expect401(await write(hub, headers), `${what} ${key}`)
      const refused = expect401(await subscribe(hub, 'a', headers), key)
      if (key !== 'é' && !key.includes(',')) expect.soft(refused, key).toContain('invalid_token')
      expect401(await subscribe(hub, `a?token=${encodeURIComponent(key)}`), `query ${key}`)
    }
    expect(await readStored(hub, 'a', bearer)).toEqual([])
  })

  test('that is wrong in the query or the cookie is invalid_token as well', async () => {
    const hub = await startHub(keys)
    const inQuery = expect401(await subscribe(hub, 'a?token=wrong'), 'query')
    expect.soft(inQuery).toContain('invalid_token')
    const inCookie = expect401(
      await subscribe(hub, 'a', { Cookie: 'piazza_token=wrong' }),
      'cookie',
    )
    expect.soft(inCookie).toContain('invalid_token')
  })

  test('is not shown in the refusal', async () => {
    const hub = await startHub(keys)
    const answer = await subscribe(hub, 'a', { Authorization: 'Bearer almost-a-secret-value' })
    expect401(answer, 'wrong')
    expect(answer.text).not.toContain('almost-a-secret')
    expect(JSON.stringify(answer.headers)).not.toContain('almost-a-secret')
    expect(answer.text).not.toContain(KEY)
  })

  test('stands behind the word Bearer, in any case; other schemes are 401', async () => {
    const hub = await startHub(keys)
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      expect((await publish(hub, { Authorization: `${scheme} ${KEY}` })).status, scheme).toBe(201)
    }
    const basic = `Basic ${Buffer.from(`x:${KEY}`).toString('base64')}`
    for (const value of [basic, 'Bearer', 'Bearer ', KEY, `Token ${KEY}`, `Bearer${KEY}`]) {
      expect401(await publish(hub, { Authorization: value }), value.slice(0, 10))
    }
  })

  test('in the query opens a stream, and nothing else', async () => {
    const hub = await startHub(keys)
    expect((await subscribe(hub, `a?token=${KEY}`)).status).toBe(200)
    expect((await request(hub.port, 'HEAD', `/channels/a?token=${KEY}`)).status).toBe(200)
    const body = '{"channel":"a","data":"x"}'
    const headers = { 'Content-Type': 'application/json' }
    const path = `/publish?token=${KEY}`
    expect401(await request(hub.port, 'POST', path, { headers, body }), 'publish')
    expectCoded(await publishRaw(hub, `a?token=${KEY}`), [400, 401])
    expect401(await remove(hub, `a?token=${KEY}`), 'DELETE')
    expect401(await request(hub.port, 'GET', `/metrics?token=${KEY}`), 'metrics')
    expect(await readStored(hub, 'a', bearer)).toEqual([])
  })

  test('in the cookie piazza_token opens a stream', async () => {
    const hub = await startHub(keys)
    for (const cookie of [
      `piazza_token=${KEY}`,
      `a=b; piazza_token=${KEY}; c=d`,
      `xpiazza_token=no; piazza_token=${KEY}`,
    ]) {
      expect((await subscribe(hub, 'a', { Cookie: cookie })).status, cookie).toBe(200)
    }
    for (const cookie of [
      'piazza_token=',
      `piazza_tokens=${KEY}`,
      `PIAZZA_TOKEN=${KEY}`,
      ';;=;%',
    ]) {
      expect401(await subscribe(hub, 'a', { Cookie: cookie }), cookie)
    }
  })

  test('in a header wins over the query, and the query over the cookie', async () => {
    const hub = await startHub(keys)
    const wrong = { Authorization: 'Bearer wrong-wrong-wrong-wrong' }
    const cookie = { Cookie: `piazza_token=${KEY}` }
    expect401(await subscribe(hub, `a?token=${KEY}`, wrong), 'header before query')
    expect401(await subscribe(hub, 'a', { ...wrong, ...cookie }), 'header before cookie')
    expect401(await subscribe(hub, 'a?token=wrong', cookie), 'query before cookie')
    expect((await subscribe(hub, 'a?token=wrong', bearer)).status).toBe(200)
  })

  test('given twice in the query is never the hub’s fault', async () => {
    const hub = await startHub(keys)
    const answer = await subscribe(hub, `a?token=${KEY}&token=wrong`)
    expect([200, 400, 401]).toContain(answer.status)
  })

  test('makes any Host good: the hub may be reached by its name', async () => {
    const hub = await startHub(keys)
    const headers = { ...bearer, Host: 'hub.example' }
    expect((await publish(hub, headers)).status).toBe(201)
    expect((await subscribe(hub, 'a', headers)).status).toBe(200)
  })
})

describe('a write that rides on a cookie', () => {
  const cookie = { Cookie: `piazza_token=${KEY}` }

  test('needs the page to be our own or a listed one', async () => {
    const hub = await startHub({ ...keys, PIAZZA_CORS_ORIGINS: 'https://app.example' })
    const bad = ['null', 'https://evil.example', `http://127.0.0.1:${hub.port + 1}`]
    const good = [`http://127.0.0.1:${hub.port}`, 'https://app.example', null]
    for (const [what, write] of writes) {
      for (const origin of bad) {
        const answer = await write(hub, { ...cookie, Origin: origin })
        expectCoded(answer, 403, `${what} from ${origin}`)
      }
    }
    expect(await readStored(hub, 'a', bearer)).toEqual([])
    for (const [what, write] of writes) {
      for (const origin of good) {
        const answer = await write(hub, { ...cookie, Origin: origin })
        expect.soft([201, 204], `${what} from ${origin}: ${answer.text}`).toContain(answer.status)
      }
    }
  })

  test('has an own origin behind a proxy, whatever the scheme', async () => {
    const hub = await startHub(keys)
    const headers = { ...cookie, Host: 'hub.example', Origin: 'https://hub.example' }
    expect((await publish(hub, headers)).status).toBe(201)
  })

  test('is not one if there is a header as well: a page cannot send that unasked', async () => {
    const hub = await startHub(keys)
    const headers = { ...bearer, ...cookie, Origin: 'https://evil.example' }
    expect((await publish(hub, headers)).status).toBe(201)
  })
})

describe('anonymous access', () => {
  test('to subscribe: publishing still needs a key', async () => {
    const hub = await startHub({ ...keys, PIAZZA_ANONYMOUS: 'subscribe' })
    expect((await subscribe(hub, 'a,b.c')).status).toBe(200)
    for (const [what, write] of writes) expect401(await write(hub), what)
    expect((await publish(hub, bearer)).status).toBe(201)
    expect401(await request(hub.port, 'GET', '/metrics'), 'metrics')
  })

  test('to publish and subscribe: not for the pages of others', async () => {
    const hub = await startHub({ ...keys, PIAZZA_ANONYMOUS: 'publish,subscribe' })
    expect((await subscribe(hub, 'a')).status).toBe(200)
    for (const [what, write] of writes) {
      expect.soft([201, 204], what).toContain((await write(hub)).status)
      for (const origin of ['null', 'https://evil.example']) {
        expectCoded(await write(hub, { Origin: origin }), 403, `${what} from ${origin}`)
        const keyed = await write(hub, { ...bearer, Origin: origin })
        expect.soft([201, 204], what).toContain(keyed.status)
      }
      const own = await write(hub, { Origin: `http://127.0.0.1:${hub.port}` })
      expect.soft([201, 204], what).toContain(own.status)
    }
    expect401(await request(hub.port, 'GET', '/metrics'), 'metrics')
  })

  test('to public channels: patterns say which, and nobody may write to them', async () => {
    const hub = await startHub({
      ...keys,
      PIAZZA_PUBLIC_CHANNELS: 'news,orders.*,docs.**,*.live.**',
    })
    const open = [
      'news',
      'orders.1',
      'docs.a',
      'docs.a.b.c',
      'x.live.1',
      'x.live.1.2',
      'news,docs.a',
    ]
    const closed = [
      'news.a',
      'new',
      'News',
      'orders',
      'orders.1.2',
      'orders.1,orders',
      'docs',
      'xdocs.a',
      'x.live',
      'x.y.live.1',
      'news,secret',
    ]
    for (const names of open) expect.soft((await subscribe(hub, names)).status, names).toBe(200)
    for (const names of closed) expect401(await subscribe(hub, names), names)
    for (const name of ['news', 'orders.1']) {
      expect401(await publishRaw(hub, name), name)
      expect401(await remove(hub, name), name)
    }
    expect((await subscribe(hub, 'secret', bearer)).status).toBe(200)
  })

  test.each([
    ['*', ['a', 'b'], ['a.b']],
    ['**', ['a', 'a.b', 'a.b.c'], []],
    ['*.*', ['a.b'], ['a', 'a.b.c']],
    ['a.*.c', ['a.b.c'], ['a.c', 'a.b.b.c', 'a.b.c.d']],
  ])('the pattern %s', async (pattern, open, closed) => {
    const hub = await startHub({ ...keys, PIAZZA_PUBLIC_CHANNELS: pattern })
    for (const names of open) expect.soft((await subscribe(hub, names)).status, names).toBe(200)
    for (const names of closed) expect401(await subscribe(hub, names), names)
  })
})

test('health and the front page are open, with and without access', async () => {
  for (const settings of [{}, keys]) {
    const hub = await startHub(settings)
    for (const path of ['/livez', '/readyz', '/']) {
      expect.soft((await request(hub.port, 'GET', path)).status, path).toBe(200)
    }
  }
})
