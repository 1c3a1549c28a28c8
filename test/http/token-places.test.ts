import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { writeFile } from '../support/folder.ts'
import { startHub } from '../support/hub.ts'
import { startJwksServer } from '../support/jwks-server.ts'
import { createKeyPair, SECRET, signByKey, signHmac } from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'
import { expectCoded } from './expect-coded.ts'
import { request } from './request.ts'

const piazza = { subscribe: ['a'], publish: ['a', 'b'], inspect: ['**'] }
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })

describe('where a token may be', () => {
  const token = signHmac({ piazza })

  test('PIAZZA_QUERY_TOKEN=off: in the query it is refused, and told where it belongs', async () => {
    const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET, PIAZZA_QUERY_TOKEN: 'off' })
    const headers = { Cookie: `piazza_token=${token}` }
    for (const options of [{}, { headers }, { headers: bearer(token) }]) {
      const answer = await request(hub.port, 'GET', `/channels/a?token=${token}`, options)
      const { message } = expectCoded(answer, 401)
      expect(message).toMatch(/query.*PIAZZA_QUERY_TOKEN.*Authorization/)
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
    }
    expect((await request(hub.port, 'GET', '/channels/a', { headers })).status).toBe(200)
  })

  test('a header with Bearer and more than a token is a bad token, whatever else would be good', async () => {
    const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET, PIAZZA_ANONYMOUS: 'subscribe' })
    const Cookie = `piazza_token=${token}`
    for (const rest of [`${token} ${token}`, `${token} x`, 'a b', `${token}, Basic x`]) {
      const headers = { Authorization: `Bearer ${rest}`, Cookie }
      const answer = await request(hub.port, 'GET', '/channels/a/history', { headers })
      expectCoded(answer, 401, rest)
      expect(answer.headers['www-authenticate'], rest).toContain('error="invalid_token"')
    }
  })

  test.each(['Bearer', 'Bearer ', 'Basic dXNlcjpwYXNz'])('no token: %j', async (Authorization) => {
    const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET })
    const ask = (headers: Record<string, string>) =>
      request(hub.port, 'GET', '/channels/a/stats', { headers })
    expectCoded(await ask({ Authorization }), 401)
    expect((await ask({ Authorization, Cookie: `piazza_token=${token}` })).status).toBe(200)
  })

  test('PIAZZA_COOKIE_NAME: in this cookie, and no other', async () => {
    const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET, PIAZZA_COOKIE_NAME: '__Host-hub' })
    const open = (name: string) =>
      request(hub.port, 'GET', '/channels/a', { headers: { Cookie: `${name}=${token}` } })
    expect((await open('__Host-hub')).status).toBe(200)
    expectCoded(await open('piazza_token'), 401)
  })

  test('a cookie may stand in double quotes (RFC 6265), if it is in both', async () => {
    const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET })
    const open = (value: string) =>
      request(hub.port, 'GET', '/channels/a', { headers: { Cookie: `piazza_token=${value}` } })
    expect((await open(`"${token}"`)).status).toBe(200)
    for (const bad of [`"${token}`, `${token}"`, `""${token}""`, '"', '""']) {
      expectCoded(await open(bad), 401, bad)
    }
  })

  test('a bad cookie is said to be why, where it is missed', async () => {
    const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET, PIAZZA_PUBLIC_CHANNELS: 'news' })
    const headers = { Cookie: `piazza_token=${signHmac({ exp: 1, piazza })}` }
    expect((await request(hub.port, 'GET', '/channels/news', { headers })).status).toBe(200)
    const answer = await request(hub.port, 'GET', '/channels/a', { headers })
    expect(expectCoded(answer, 401).code).toBe('PIAZZA_ERR_TOKEN_EXPIRED')
  })
})

test('a publish key that is put into the file is good, one that is taken out is not', async () => {
  const [always, old, young] = ['always-0123456789', 'old-key-0123456789', 'new-key-0123456789']
  const file = writeFile(old)
  const hub = await startHub({ PIAZZA_PUBLISH_KEYS: always, PIAZZA_PUBLISH_KEYS_FILE: file })
  const publishBy = async (key: string) =>
    (await hub.publish({ channel: 'a', data: 1 }, { authorization: `Bearer ${key}` })).status
  expect([await publishBy(always), await publishBy(old), await publishBy(young)]).toEqual([
    201, 201, 401,
  ])
  writeFileSync(file, young)
  await waitFor('the new key', async () => (await publishBy(young)) === 201)
  expect([await publishBy(always), await publishBy(old)]).toEqual([201, 401])
})

describe('what a token allows', () => {
  test('is more than what anybody may do', async () => {
    const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET, PIAZZA_PUBLIC_CHANNELS: 'news' })
    const open = (names: string, token: string) =>
      request(hub.port, 'GET', `/channels/${names}`, { headers: bearer(token) })
    expect((await open('news,a', signHmac({ piazza }))).status).toBe(200)
    expect((await open('news', signHmac({}))).status).toBe(200)
    const refused = await open('news,b', signHmac({ piazza }))
    expect(expectCoded(refused, 403).message).toMatch(/subscribe channel "b".*piazza\.subscribe/)
  })

  test('is all or nothing in a batch, which names the channel that it does not reach', async () => {
    const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET })
    const headers = { ...bearer(signHmac({ piazza })), 'Content-Type': 'application/json' }
    const body = '[{"channel":"a","data":1},{"channels":["b","secret"],"data":1}]'
    const answer = await request(hub.port, 'POST', '/publish', { headers, body })
    expect(expectCoded(answer, 403).message).toContain('"secret"')
    const history = await hub.get('/channels/a/history', bearer(signHmac({ piazza })))
    expect(history.json.messages).toEqual([])
  })

  test('is what lists show', async () => {
    const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET })
    const write = bearer(signHmac({ piazza: { publish: ['**'] } }))
    for (const channel of ['a.1', 'a.2', 'b.1']) await hub.publish({ channel, data: 1 }, write)
    const { json } = await hub.get('/channels', bearer(signHmac({ piazza: { inspect: ['a.*'] } })))
    expect(json.channels.map(({ name }: { name: string }) => name).sort()).toEqual(['a.1', 'a.2'])
  })
})

test('idempotency keys are those of the subject, whatever its token, and of nobody else', async () => {
  const key = 'a-publish-key-of-24-char'
  const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET, PIAZZA_PUBLISH_KEYS: key })
  const publishAs = async (token: string) => {
    const body = { channel: 'a', data: 1, idempotencyKey: 'k' }
    const { status, json } = await hub.publish(body, { authorization: `Bearer ${token}` })
    return status === 200 && json.duplicate === true ? 'duplicate' : status
  }
  expect(await publishAs(signHmac({ sub: 'alice', piazza }))).toBe(201)
  expect(await publishAs(signHmac({ sub: 'alice', piazza, jti: 'another' }))).toBe('duplicate')
  for (const sub of ['bob', '', 'sub:alice', undefined]) {
    expect(await publishAs(signHmac({ sub, piazza })), String(sub)).toBe(201)
  }
  expect(await publishAs(key)).toBe(201)
  expect(await publishAs(key)).toBe('duplicate')
})

describe('while the keys can not be had', () => {
  const pair = createKeyPair('ed25519')
  const token = signByKey({ piazza }, pair, { kid: 'one' })

  async function startAway(settings: Record<string, string> = {}) {
    const server = await startJwksServer({ one: pair })
    await server.leave()
    const hub = await startHub({ PIAZZA_JWT_JWKS_URL: server.url.href, ...settings })
    return { server, hub }
  }

  test('a subscribe is refused for now, and let in when the keys are there', async () => {
    const { server, hub } = await startAway({ PIAZZA_CORS_ORIGINS: 'https://app.example' })
    const ways = [
      { headers: { ...bearer(token), Origin: 'https://app.example' } },
      { headers: { Cookie: `piazza_token=${token}`, Origin: 'https://app.example' } },
    ]
    for (const options of ways) {
      const { status, headers, text } = await request(hub.port, 'GET', '/channels/a', options)
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'content-type': 'text/event-stream',
        'piazza-refused': 'access',
        'cache-control': 'no-store',
        'access-control-allow-origin': 'https://app.example',
        'content-length': expect.stringMatching(/^\d+$/),
      })
      expect(text).toMatch(/^: refused: access\nretry: \d+\n$/)
    }
    await server.comeBack()
    await waitFor('the stream', async () => {
      const { headers } = await request(hub.port, 'GET', '/channels/a', ways[0])
      return headers['piazza-refused'] === undefined
    })
    const metrics = await hub.get('/metrics', bearer(token))
    expect(metrics.text).toMatch(/piazza_streams_refused_total\{reason="access"\} [2-9]/)
  })

  test('PIAZZA_OVERLOAD_STATUS=503: it is 503 instead', async () => {
    const { hub } = await startAway({ PIAZZA_OVERLOAD_STATUS: '503' })
    const answer = await request(hub.port, 'GET', '/channels/a', { headers: bearer(token) })
    expect(expectCoded(answer, 503).code).toBe('PIAZZA_ERR_UNAVAILABLE')
    expect(answer.headers['piazza-refused']).toBe('access')
    expect(answer.headers['retry-after']).toMatch(/^\d+$/)
  })

  test('everything else is 503 with Retry-After, and no 401', async () => {
    const { hub } = await startAway()
    const routes = [
      ['POST', '/channels/a'],
      ['DELETE', '/channels/a'],
      ['GET', '/channels'],
      ['GET', '/channels/a/history'],
      ['GET', '/channels/a/stats'],
      ['GET', '/metrics'],
    ] as const
    for (const [method, path] of routes) {
      const answer = await request(hub.port, method, path, { headers: bearer(token) })
      expect(expectCoded(answer, 503, path).code).toBe('PIAZZA_ERR_KEYS_UNAVAILABLE')
      expect(answer.headers['retry-after'], path).toMatch(/^\d+$/)
      expect(answer.headers['www-authenticate'], path).toBeUndefined()
    }
  })

  test('what needs none goes on: publish keys, public channels, tokens that are none', async () => {
    const key = 'a-publish-key-of-24-char'
    const { hub } = await startAway({ PIAZZA_PUBLISH_KEYS: key, PIAZZA_PUBLIC_CHANNELS: 'news' })
    const open = async (headers: Record<string, string>) => {
      const answer = await request(hub.port, 'GET', '/channels/news', { headers })
      return answer.headers['piazza-refused'] ?? answer.status
    }
    expect(await open(bearer(key))).toBe(200)
    expect(await open({})).toBe(200)
    expect(await open({ Cookie: `piazza_token=${token}` })).toBe(200)
    expect(await open(bearer('garbage'))).toBe(401)
    expect(await open(bearer(signHmac({ piazza })))).toBe(401)
  })
})
