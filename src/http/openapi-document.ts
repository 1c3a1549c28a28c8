import { type AnswerHeader, COMMON_HEADERS, commonHeaderNames } from './answer-headers.ts'
import { BY_NOTHING, plainErrorAnswers } from './contract.ts'

interface Answer {
  readonly headers?: Readonly<Record<string, object>>
}

interface Operation {
  readonly summary?: string
  readonly responses: Readonly<Record<string, Answer>>
}

type PathItem = Readonly<Record<string, Operation>>

/** The part of an OpenAPI document that is looked at here. */
export interface OpenapiDocument {
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: object
}

/** Stands for an answer that is told elsewhere. */
interface Reference {
  readonly $ref: string
}

/** What no route stands for. GET, HEAD and OPTIONS are three of many methods. */
function unknownAddress(): PathItem {
  const operation = {
    summary: 'Any other address, whatever the method',
    security: BY_NOTHING,
    parameters: [{ name: 'path', in: 'path', required: true, schema: { type: 'string' } }],
    responses: plainErrorAnswers(['NOT_FOUND']),
  }
  const read = { ...operation, responses: plainErrorAnswers(['NOT_FOUND', 'BODY_UNEXPECTED']) }
  return { get: read, head: read, options: operation }
}

/** Adds to what the routes say of themselves what holds for all of them, and the addresses that are none. */
export function completeDocument(document: OpenapiDocument) {
  const routes = mapValues(document.paths, (item) =>
    mapValues(item, (operation) => ({
      ...operation,
      responses: mapValues(operation.responses, unwrapHeaders),
    })),
  )
  const all = { ...routes, '/{path}': unknownAddress() }
  const { paths, responses } = shareAnswers(mapValues(all, (item) => mapValues(item, complete)))
  return {
    ...document,
    paths,
    components: { ...document.components, headers: COMMON_HEADERS, responses },
  }
}

/** Most answers stand at many operations: told once, they make the document much shorter. */
function shareAnswers(given: Readonly<Record<string, PathItem>>) {
  const responses: Record<string, Answer> = {}
  const names = new Map<string, string>()
  const share = (answer: Answer, status: string): Reference => {
    const text = JSON.stringify(answer)
    const name = names.get(text) ?? `${status}.${names.size}`
    names.set(text, name)
    responses[name] = answer
    return { $ref: `#/components/responses/${name}` }
  }
  const paths = mapValues(given, (item) =>
    mapValues(item, (operation) => ({
      ...operation,
      responses: mapValues(operation.responses, share),
    })),
  )
  return { paths, responses }
}

/** @fastify/swagger takes the headers of an answer for schemas, and wraps them. */
function unwrapHeaders(answer: Answer): Answer {
  if (answer.headers === undefined) return answer
  const wrapped = answer.headers as Record<
    string,
    { description: string; schema: Omit<AnswerHeader, 'description'> }
  >
  const headers = mapValues(wrapped, ({ schema, description }) => ({ description, ...schema }))
  return { ...answer, headers }
}

function complete(operation: Operation, method: string): Operation {
  const responses = mapValues(operation.responses, (answer, status) => {
    const names = commonHeaderNames(method, status)
    const common = names.map((name) => [name, { $ref: `#/components/headers/${name}` }])
    return { ...answer, headers: { ...Object.fromEntries(common), ...answer.headers } }
  })
  const summary = method === 'head' ? 'As GET, without the body' : operation.summary
  return { ...operation, ...(summary === undefined ? {} : { summary }), responses }
}

function mapValues<T, U>(
  values: Readonly<Record<string, T>>,
  map: (value: T, key: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value, key)]))
}
