import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readDocument, ROOT, tableRows } from './markdown.ts'

const RULES = 13

/** The numbers in "rule 7", "rules 1 and 2", "rules 5 to 8". */
function namedRules(source: string): Set<number> {
  const named = new Set<number>()
  for (const [, first, word, last] of source.matchAll(/rules? (\d+)(?: (and|to) (\d+))?/gi)) {
    named.add(Number(first))
    if (last === undefined) continue
    const from = word === 'to' ? Number(first) : Number(last)
    for (let rule = from; rule <= Number(last); rule += 1) named.add(rule)
  }
  return named
}

/** `proof.ts` is in broker/redis; `hub/hub.ts` in src. */
function readSource(path: string): string {
  const folders = ['src/broker/redis/', 'src/']
  const url = folders.map((folder) => new URL(folder + path, ROOT)).find((one) => existsSync(one))
  if (url === undefined) throw new Error(`there is no ${path}`)
  return readFileSync(url, 'utf8')
}

const rows = Array.from({ length: RULES }, (_, i) =>
  tableRows(readDocument('docs/architecture.md'), `${i + 1}. `),
)

test.each(rows.map((found, i) => [i + 1, found] as const))(
  'rule %i has one row in docs/architecture.md, and each file that keeps it names it',
  (rule, found) => {
    expect(found).toHaveLength(1)
    const files = [...found[0]![1]!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!)
    expect(files.length).toBeGreaterThan(0)
    expect(files.filter((path) => !namedRules(readSource(path)).has(rule))).toEqual([])
  },
)
