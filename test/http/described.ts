import Schema from 'typebox/schema'
import { type DescribedHeader, type Paths } from './openapi-document.ts'
import { type WireAnswer } from './request.ts'

/** HTTP's own; `Content-Type` stands with the contents. */
const GENERIC = new Set(['date', 'content-length', 'transfer-encoding', 'content-type'])

const KEEPING = new Set(['connection: keep-alive', 'keep-alive: timeout=72'])

/** Names in lower case, without those that say nothing of the hub. */
export function ownHeadersOf({ headers }: WireAnswer): string[] {
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

/**
 * What the document does not tell of an answer: its status, a header or the value of one, its type. And what the
 * document promises and the answer lacks.
 */
export function undescribedIn(
  paths: Paths,
  method: string,
  path: string,
  answer: WireAnswer,
): string[] {
  const described = paths[path]?.[method]?.responses[String(answer.status)]
  if (described === undefined) return [`status ${answer.status} is not told`]
  const problems: string[] = []
  const told = new Map(
    Object.entries(described.headers).map(([name, it]) => [name.toLowerCase(), it]),
  )
  for (const name of ownHeadersOf(answer)) {
    const it = told.get(name)
    const value = answer.headers[name]!
    if (it === undefined) problems.push(`${name} is not told`)
    else if (!isAsDescribed(it, value)) problems.push(`${name}: ${value} is not told`)
  }
  for (const [name, { required }] of told) {
    if (required && answer.headers[name] === undefined) problems.push(`${name} is missing`)
  }
  const type = answer.headers['content-type']?.split(';')[0]
  const types = Object.keys(described.content)
  if (types.join() !== (type ?? '')) problems.push(`type ${type}, not ${types.join()}`)
  return problems
}
