// node script/search-logs.mjs FOLDER
// Searches the logs of all hubs of a test run for every token, key, password and datum that the tests used
// (test/support/run-record.mjs has written both there). Exits with 1 if one is found, and if there is nothing to search.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const KINDS = ['token', 'key', 'password', 'datum']
/** What is shorter may stand in a log for another reason. */
const MIN_CHARACTERS = { token: 8, key: 8, password: 5, datum: 8 }
/** And so may a word alone, such as `connection`. */
const WORD = /^[a-z]{1,15}$/i
/** Of a secret, in the table that each place of the logs is looked up in. */
const HEAD_CHARACTERS = 5
const MAX_TOLD = 20

function readAll(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder).map((name) => ({
    name,
    lines: readFileSync(path.join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  }))
}

/** As it may stand in a line of JSON, or in an address. */
function formsOf(value) {
  const forms = [value, JSON.stringify(value).slice(1, -1)]
  if (value.isWellFormed()) forms.push(encodeURIComponent(value))
  return forms
}

/** Secrets by their first characters; how many there are of each kind, and how many can't be told from other words. */
function readSecrets(folder) {
  const byHead = new Map()
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]))
  let vague = 0
  const seen = new Set(readAll(folder).flatMap(({ lines }) => lines))
  for (const [kind, value] of [...seen].map((line) => JSON.parse(line))) {
    const text = value.trim()
    if (text.length < MIN_CHARACTERS[kind] || (kind === 'datum' && WORD.test(text))) {
      vague += 1
      continue
    }
    counts[kind] += 1
    for (const form of new Set(formsOf(value))) {
      const head = form.slice(0, HEAD_CHARACTERS)
      byHead.set(head, [...(byHead.get(head) ?? []), { kind, form }])
    }
  }
  return { byHead, counts, vague }
}

function* findIn(line, byHead) {
  for (let i = 0; i + HEAD_CHARACTERS <= line.length; i += 1) {
    const candidates = byHead.get(line.slice(i, i + HEAD_CHARACTERS)) ?? []
    for (const candidate of candidates) if (line.startsWith(candidate.form, i)) yield candidate
  }
}

const folder = process.argv[2]
const logs = readAll(path.join(folder, 'logs'))
const { byHead, counts, vague } = readSecrets(path.join(folder, 'secrets'))
const problems = []
let lines = 0
for (const log of logs) {
  for (const line of log.lines) {
    lines += 1
    for (const { kind, form } of findIn(line, byHead)) {
      problems.push(`${log.name}: a ${kind}, ${JSON.stringify(form)}, in: ${line.slice(0, 300)}`)
    }
  }
}
if (lines === 0) problems.push('there are no logs to search')
for (const kind of KINDS) if (counts[kind] === 0) problems.push(`there is no ${kind} to search for`)

const told = KINDS.map((kind) => `${counts[kind]} of kind ${kind}`).join(', ')
console.log(
  `searched ${lines} lines of ${logs.length} logs for ${told}; ${vague} are too short to tell from other words`,
)
for (const problem of problems.slice(0, MAX_TOLD)) console.log(problem)
if (problems.length > 0) {
  console.log(`${problems.length} problems`)
  process.exitCode = 1
}
