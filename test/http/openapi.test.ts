import { Validator } from '@seriousme/openapi-schema-validator'
import Schema from 'typebox/schema'
import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { type Operation, readPaths, UNKNOWN_PATH } from './openapi-document.ts'
import { request } from './request.ts'

/** The addresses of all routes, from Fastify's own tree of them. */
function routesOf(hub: TestHub): string[] {
  const above: string[] = []
  return hub.app.http
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .filter((line) => line.includes('── '))
    .map((line) => {
      const depth = line.indexOf('── ') / 4
      above[Math.floor(depth)] = line.slice(line.indexOf('── ') + 3).split(' (')[0]!
      return above.slice(0, Math.floor(depth) + 1).join('')
    })
    .map((path) => path.replace('//', '/').replace(/:(\w+)/g, '{$1}'))
}

function parametersOf(operation: Operation | undefined, place: string): string[] {
  return (operation?.parameters ?? []).filter((one) => one.in === place).map(({ name }) => name)
}

test('the document is valid OpenAPI 3.1', async () => {
  const hub = await startHub()
  const { status, headers, json } = await hub.get('/openapi.json')
  expect(status).toBe(200)
  expect(headers.get('content-type')).toMatch(/^application\/json\b/)
  expect(json.openapi).toBe('3.1.0')
  expect(await new Validator().validate(json)).toEqual({ valid: true })
})

test('every route is in it, and nothing else', async () => {
  const hub = await startHub()
  const paths = await readPaths(hub)
  expect([...routesOf(hub), UNKNOWN_PATH].sort()).toEqual(Object.keys(paths).sort())
})

test('every method is in it that Allow names, and nothing else', async () => {
  const hub = await startHub()
  for (const [path, operations] of Object.entries(await readPaths(hub))) {
    if (path === UNKNOWN_PATH) continue
    const { headers } = await request(hub.port, 'OPTIONS', path.replace(/\{\w+\}/, 'a'))
    const described = Object.keys(operations).map((method) => method.toUpperCase())
    expect(headers['allow']?.split(', ').sort(), path).toEqual(described.sort())
  }
})

test('every parameter of the protocol is in it', async () => {
  const paths = await readPaths(await startHub())
  const stream = paths['/channels/{name}']!
  expect(parametersOf(stream['get'], 'query').sort()).toEqual(
    'control,envelope,events,lastEventId,last,last_event_id,padding,ping,since'.split(',').sort(),
  )
  expect(parametersOf(stream['get'], 'header')).toContain('Last-Event-ID')
  expect(stream['head']!.parameters).toEqual(stream['get']!.parameters)
  expect(parametersOf(stream['post'], 'query')).toEqual(['event', 'retry', 'ephemeral', 'end'])
  for (const operation of [stream['post'], paths['/publish']!['post']]) {
    expect(parametersOf(operation, 'header')).toEqual(['Idempotency-Key'])
  }
  expect(parametersOf(paths['/channels']!['get'], 'query')).toEqual(['match', 'limit', 'after'])
  const history = paths['/channels/{name}/history']!['get']
  expect(parametersOf(history, 'query')).toEqual(['after', 'since', 'limit'])
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { summary, security }] of Object.entries(operations)) {
      expect.soft(summary, `${method} ${path}`).toBeTypeOf('string')
      expect.soft(security, `${method} ${path}`).not.toHaveLength(0)
    }
  }
})

test('a publication goes to channel or to channels, and not to both', async () => {
  const hub = await startHub()
  const { json } = await hub.get('/openapi.json')
  const { schema } = json.paths['/publish'].post.requestBody.content['application/json']
  for (const [fields, isValid] of [
    [{ channel: 'a' }, true],
    [{ channels: ['a', 'b'] }, true],
    [{ channel: 'a', channels: ['b'] }, false],
    [{}, false],
  ] as const) {
    const item = { ...fields, data: 1 }
    for (const body of [item, [item]]) {
      expect(Schema.Check(schema, body), JSON.stringify(body)).toBe(isValid)
      expect((await hub.publish(body)).status).toBe(isValid ? 201 : 400)
    }
  }
})

describe('the body of an answer is what the document says', () => {
  const json = { 'content-type': 'application/json' }
  test.each<[string, string, string, (string | undefined)?, Record<string, string>?]>([
    ['post', '/publish', '/publish', '{"channel":"a","data":1}', json],
    ['post', '/publish', '/publish', '[{"channel":"a","data":1},{"channel":"e","data":1}]', json],
    ['post', '/publish', '/publish', '[{"channel":"a","data":1,"ephemeral":true}]', json],
    ['post', '/publish', '/publish', '{"channel":"a","data":1,"ephemeral":true}', json],
    ['post', '/publish', '/publish', '{"channel":"a b","data":1}', json],
    ['post', '/publish', '/publish', '{}'],
    ['post', '/channels/{name}', '/channels/a', 'x', { 'idempotency-key': 'k' }],
    ['post', '/channels/{name}', '/channels/e', 'x'],
    ['post', '/channels/{name}', '/channels/a?retry=1', 'x'],
    ['get', '/channels/{name}', '/channels/a,*'],
    ['get', '/channels/{name}', '/channels/a', undefined, { accept: 'image/png' }],
    ['get', '/channels/{name}', '/channels/e'],
    ['delete', '/channels/{name}', '/channels/d'],
    ['get', '/channels', '/channels?limit=1'],
    ['get', '/channels', '/channels?limit=0'],
    ['get', '/channels/{name}/history', '/channels/a/history?limit=1'],
    ['get', '/channels/{name}/history', '/channels/none/history'],
    ['get', '/channels/{name}/stats', '/channels/a/stats'],
    ['get', '/channels/{name}/stats', '/channels/..../stats'],
    ['get', '/livez', '/livez'],
    ['get', '/readyz', '/readyz'],
    ['get', '/', '/'],
    ['get', '/metrics', '/metrics'],
    ['put', '/livez', '/livez'],
  ])('%s %s: %s %s', async (method, path, url, body, headers = {}) => {
    const hub = await startHub()
    await hub.send('a', 'before', { idempotencyKey: 'k0' })
    await hub.send('a', 'x', { idempotencyKey: 'k' })
    await hub.send('e', 'over', { end: true })
    const answer = await request(hub.port, method.toUpperCase(), url, {
      headers,
      ...(body === undefined ? {} : { body }),
    })
    const operations = (await readPaths(hub))[path]!
    const { responses } = operations[method] ?? operations['get']!
    const described = responses[String(answer.status)]
    expect(described, `${answer.status} ${answer.text}`).toBeDefined()
    const { schema } = described!.content['application/json'] ?? {}
    if (schema === undefined) return
    expect(Schema.Check(schema, answer.json), answer.text).toBe(true)
  })
})
