import Schema from 'typebox/schema'
import { undescribedIn } from '../http/described.ts'
import { type Paths, UNKNOWN_PATH } from '../http/openapi-document.ts'
import { parseAnswers, type WireAnswer } from '../http/request.ts'

/** Refusals of Redis, which may be slow on a busy machine. */
const UNAVAILABLE = new Set(['PIAZZA_ERR_BROKER_UNAVAILABLE', 'broker'])
const MAX_SHOWN = 1000

const show = (bytes: Buffer) => JSON.stringify(bytes.toString('latin1').slice(0, MAX_SHOWN))

interface Route {
  readonly path: string
  /** Its operations; several: there is none for the method, and any of them tells what is answered to that. */
  readonly methods: readonly string[]
}

/** The route that the first line asks for, if that line is beyond doubt. */
function routeOf(sent: Buffer, paths: Paths): Route | undefined {
  const line = sent.subarray(0, sent.indexOf('\r\n')).toString('latin1')
  const [, verb, path] = /^([A-Z]+) (\/[a-z/.]*)(?:\?[\x21-\x7e]*)? HTTP\/1\.[01]$/.exec(line) ?? []
  if (verb === undefined || path === undefined || verb === 'CONNECT') return undefined
  const template = path.replace(/^\/channels\/[^/]+/, '/channels/{name}')
  const known = paths[template] === undefined ? UNKNOWN_PATH : template
  if (known === UNKNOWN_PATH && !isNoRoute(path)) return undefined
  const operations = paths[known]!
  const method = verb.toLowerCase()
  return { path: known, methods: operations[method] ? [method] : Object.keys(operations) }
}

/** The router decides of the others. */
const isNoRoute = (path: string) => !path.startsWith('/channels') && !path.includes('//')

function problemsAt(paths: Paths, method: string, path: string, answer: WireAnswer): string[] {
  // any answer may close, where the client asked for it
  const problems = undescribedIn(paths, method, path, answer).filter(
    (problem) => problem !== 'connection is not told',
  )
  const described = paths[path]?.[method]?.responses[String(answer.status)]
  const { schema } = described?.content['application/json'] ?? {}
  const hasBody = answer.text !== ''
  if (schema !== undefined && hasBody && !Schema.Check(schema, answer.json))
    problems.push('another body')
  return problems
}

/** Why it is none of the answers of these routes; undefined: it is. */
function misfitOf(paths: Paths, routes: readonly Route[], answer: WireAnswer): string | undefined {
  const misfits: string[] = []
  for (const { path, methods } of routes) {
    for (const method of methods) {
      const problems = problemsAt(paths, method, path, answer)
      if (problems.length === 0) return undefined
      misfits.push(`${method} ${path}: ${problems.join('; ')}`)
    }
  }
  return routes.length === 1 ? misfits.join('\n') : 'no route answers so'
}

/** What is wrong with the answers to these bytes: each must be one that the document tells, whole, and no 5xx. */
export function judge(paths: Paths, sent: Buffer, received: Buffer): string[] {
  const hasHead = sent.includes('HEAD')
  const { answers, rest } = parseAnswers(
    received,
    true,
    (behind) => hasHead && (behind.length === 0 || behind.indexOf('HTTP/1.1 ') === 0),
  )
  const first = routeOf(sent, paths)
  const all = Object.entries(paths).map(([path, of]) => ({ path, methods: Object.keys(of) }))
  const problems: string[] = []
  if (rest.length > 0) problems.push(`an answer that is not whole: ${show(rest)}`)
  answers.forEach((answer, i) => {
    const { status, json, headers } = answer
    if (status === 100) return
    const isAway =
      status === 503 &&
      (UNAVAILABLE.has(json?.code) || UNAVAILABLE.has(headers['piazza-refused'] ?? ''))
    if (status >= 500 && !isAway) problems.push(`${status}: ${answer.text}`)
    const misfit = misfitOf(paths, i === 0 && first !== undefined ? [first] : all, answer)
    if (misfit !== undefined)
      problems.push(`${status} ${answer.text.slice(0, 300)} ${JSON.stringify(headers)}: ${misfit}`)
    if (status >= 400 && /\n\s+at |node_modules|\bFST_ERR/.test(answer.text))
      problems.push(`a stack: ${answer.text}`)
  })
  return problems.map((problem) => `${problem}\nto ${show(sent)}`)
}
