import { expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { ownHeadersOf, undescribedIn } from './described.ts'
import { type Paths, readPaths } from './openapi-document.ts'
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
import { request } from './request.ts'

function expectDescribed(paths: Paths, { method, path, answer }: Provoked): void {
  const what = `${method} ${path} ${answer.status} ${answer.text.slice(0, 200)}`
  expect.soft(undescribedIn(paths, method, path, answer), what).toEqual([])
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
