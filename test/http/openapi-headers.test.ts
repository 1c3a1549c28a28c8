import Schema from 'typebox/schema'
import { expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { type DescribedHeader, type Paths, readPaths } from './openapi-document.ts'
import {
  KEY,
  operationsOf,
  PAGE,
  type Provoked,
  provokeEach,
  provokeEverywhere,
  provokeRefusals,
  startListedHub,
} from './provoke-answers.ts'
import { request, type WireAnswer } from './request.ts'

/** HTTP's own; `Content-Type` stands with the contents. */
const GENERIC = new Set(['date', 'content-length', 'transfer-encoding', 'content-type'])

const KEEPING = new Set(['connection: keep-alive', 'keep-alive: timeout=72'])

/** Names in lower case, without those that say nothing of the hub. */
function ownHeadersOf({ headers }: WireAnswer): string[] {
  return Object.keys(headers).filter((name) => {
    // Node says these to everybody; what becomes of a connection that was refused is the hub's own
    const isNodes = headers['piazza-refused'] === undefined
    return !GENERIC.has(name) && !(isNodes && KEEPING.has(`${name}: ${headers[name]}`))
  })
}

function isAsDescribed({ schema }: DescribedHeader, value: string): boolean {
  const isInteger = (schema as { type?: string }).type === 'integer'
  return Schema.Check(schema, isInteger ? Number(value) : value)
}

/** No header that is not told, none missing that always comes, and each with a value that is told. */
function expectDescribed(paths: Paths, { method, path, answer }: Provoked): void {
  const what = `${method} ${path} ${answer.status} ${answer.text.slice(0, 200)}`
  const described = paths[path]?.[method]?.responses[String(answer.status)]
  expect.soft(described, what).toBeDefined()
  const told = new Map(
    Object.entries(described?.headers ?? {}).map(([name, it]) => [name.toLowerCase(), it]),
  )
  for (const name of ownHeadersOf(answer)) {
    const it = told.get(name)
    expect.soft(it, `${what}: ${name} is not told`).toBeDefined()
    const value = answer.headers[name]!
    if (it) expect.soft(isAsDescribed(it, value), `${what}: ${name}: ${value}`).toBe(true)
  }
  for (const [name, { required }] of told) {
    if (required) expect.soft(answer.headers, what).toHaveProperty([name])
  }
  const type = answer.headers['content-type']?.split(';')[0]
  const types = Object.keys(described?.content ?? {})
  expect.soft(types, what).toEqual(type === undefined ? [] : [type])
}

/** A fault in what asks no broker can't be made from here. */
const ASK_NO_BROKER = new Set(['/livez', '/readyz', '/metrics', '/openapi.json', '/', '/{path}'])
const canBeProvoked = (method: string, path: string, status: string) =>
  status !== '500' || (method !== 'options' && !ASK_NO_BROKER.has(path))

test('every answer has the headers that the document tells, and every header that it tells comes', async () => {
  const paths = await readPaths(await startHub())
  const provoked = [
    ...(await provokeEverywhere(paths)),
    ...(await provokeEach(paths)),
    ...(await provokeRefusals()),
  ]
  for (const one of provoked) expectDescribed(paths, one)

  for (const { method, path, operation } of operationsOf(paths)) {
    for (const [status, { headers }] of Object.entries(operation.responses)) {
      if (!canBeProvoked(method, path, status)) continue
      const answers = provoked.filter(
        (one) => one.method === method && one.path === path && String(one.answer.status) === status,
      )
      const came = new Set(answers.flatMap(({ answer }) => ownHeadersOf(answer)))
      const told = Object.keys(headers).map((name) => name.toLowerCase())
      expect.soft([...came].sort(), `${method} ${path} ${status}`).toEqual(told.sort())
    }
  }
}, 60_000)

async function askEverything(hub: TestHub, paths: Paths, origin: string): Promise<Provoked[]> {
  const headers = { Authorization: `Bearer ${KEY}`, ...(origin === '' ? {} : { Origin: origin }) }
  const answers = operationsOf(paths).map(async ({ method, path }) => {
    const url = path.replace(/\{\w+\}/, 'a')
    const answer = await request(hub.port, method.toUpperCase(), url, { headers })
    return { method, path, answer }
  })
  return Promise.all(answers)
}

test.each([
  ['to a page of another origin', PAGE, 'https://evil.example'],
  ['to what is no page', PAGE, ''],
  ['to any page', '*', 'https://evil.example'],
])('%s too', async (_, origins, origin) => {
  const hub = await startListedHub({ PIAZZA_CORS_ORIGINS: origins })
  const paths = await readPaths(hub)
  for (const one of await askEverything(hub, paths, origin)) expectDescribed(paths, one)
})
