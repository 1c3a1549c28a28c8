import { expect, test } from 'vitest'
import { errors } from '../../src/errors.ts'
import { startHub } from '../support/hub.ts'
import { type Operation, readPaths } from './openapi-document.ts'

/** Protocol §2-§9: which errors can come where. */
const ANYWHERE = [
  'REQUEST_INVALID',
  'HOST_FORBIDDEN',
  'REQUEST_TIMEOUT',
  'URL_TOO_LONG',
  'EXPECTATION_FAILED',
  'HEADERS_TOO_LARGE',
  'INTERNAL',
]
const OF_A_ROUTE = [...ANYWHERE, 'METHOD_NOT_ALLOWED']
const READ = [...OF_A_ROUTE, 'BODY_UNEXPECTED']
const WITH_TOKEN = ['UNAUTHORIZED', 'TOKEN_EXPIRED', 'TOKEN_CLAIMS_INVALID', 'FORBIDDEN']
/** A subscribe meets the refusal of §6 where the keys of a JWKS are not there. */
const WITH_KEYS = [...WITH_TOKEN, 'KEYS_UNAVAILABLE']
/** §8: unknown parameters are refused, and the broker is asked. */
const INSPECT = [...READ, ...WITH_KEYS, 'QUERY_INVALID', 'BROKER_UNAVAILABLE']
const SUBSCRIBE = [
  ...READ,
  ...WITH_TOKEN,
  'QUERY_INVALID',
  'CHANNEL_INVALID',
  'PATTERN_UNSUPPORTED',
  'TOO_MANY_CHANNELS',
  'NOT_ACCEPTABLE',
  'PIPELINED',
  'UNAVAILABLE',
]
const CHANGE = [
  ...OF_A_ROUTE,
  ...WITH_KEYS,
  'ORIGIN_FORBIDDEN',
  'BROKER_UNAVAILABLE',
  'PUBLISH_RATE_EXCEEDED',
  'PUBLISH_BYTE_RATE_EXCEEDED',
]
const PUBLISH = [
  ...CHANGE,
  'CHANNEL_INVALID',
  'EVENT_INVALID',
  'FIELD_INVALID',
  'FIELD_UNKNOWN',
  'BODY_INVALID',
  'UTF8_INVALID',
  'IDEMPOTENCY_KEY_INVALID',
  'IDEMPOTENCY_KEY_REUSED',
  'CHANNEL_ENDED',
  'CHANNEL_DELETED',
  'MESSAGE_TOO_LARGE',
  'BODY_TOO_LARGE',
]
const JSON_ONLY = ['JSON_INVALID', 'JSON_TOO_DEEP', 'NUMBER_INEXACT', 'MEDIA_TYPE']

const CODES: Readonly<Record<string, readonly string[]>> = {
  'post /publish': [...PUBLISH, ...JSON_ONLY, 'FAN_OUT_TOO_LARGE'], // of one channel a message is too large first
  'post /channels/{name}': [...PUBLISH, 'QUERY_INVALID'],
  'get /channels/{name}': SUBSCRIBE,
  'delete /channels/{name}': [...CHANGE, 'CHANNEL_INVALID'],
  'get /channels': INSPECT,
  'get /channels/{name}/history': [...INSPECT, 'CHANNEL_INVALID'],
  'get /channels/{name}/stats': [...INSPECT, 'CHANNEL_INVALID'],
  'get /livez': READ,
  'get /readyz': READ,
  'get /metrics': [...READ, ...WITH_KEYS],
  'get /openapi.json': READ,
  'get /': READ,
  'get /{path}': [...ANYWHERE, 'BODY_UNEXPECTED', 'NOT_FOUND'],
}

/** Beside those of its GET, an address answers HEAD and OPTIONS (§3, §7). */
function expectedCodes(method: string, path: string): readonly string[] | undefined {
  if (method === 'head') return CODES[`get ${path}`]
  if (method !== 'options') return CODES[`${method} ${path}`]
  return path === '/{path}' ? [...ANYWHERE, 'NOT_FOUND'] : ANYWHERE
}

/** `status code` of each error that the document tells of. */
function describedCodes({ responses }: Operation): string[] {
  return Object.entries(responses).flatMap(([status, { content }]) => {
    const schema = (content['application/json']?.schema ?? {}) as { anyOf?: object[] }
    return [schema, ...(schema.anyOf ?? [])].flatMap((one) => {
      const { properties } = one as { properties?: { code?: { enum?: string[] } } }
      return (properties?.code?.enum ?? []).map((name) => `${status} ${name}`)
    })
  })
}

function toStatusAndCode(name: string): string {
  const { code, statusCode } = new errors[name as keyof typeof errors]('')
  return `${statusCode} ${code}`
}

test('at each route stand exactly the errors that can come there, with their status', async () => {
  const paths = await readPaths(await startHub())
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
  )
  for (const { path, method, operation } of described) {
    const expected = expectedCodes(method, path)?.map(toStatusAndCode)
    const what = `${method} ${path}`
    expect.soft(describedCodes(operation).sort(), what).toEqual(expected?.toSorted())
  }
  const routes = described.map(({ path, method }) => `${method} ${path}`)
  expect(routes).toEqual(expect.arrayContaining(Object.keys(CODES)))
})

test('the table has every code there is', () => {
  expect([...new Set(Object.values(CODES).flat())].sort()).toEqual(Object.keys(errors).sort())
})
