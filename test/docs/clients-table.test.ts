import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { LONGEST_SECONDS, SILENCE } from '../e2e/clients/silence.ts'
import { TRAITS } from '../e2e/clients/traits.ts'
import { readDocument, ROOT, tableRows } from './markdown.ts'

const document = readDocument('docs/clients.md')

/** The rows between `<!-- name -->` and `<!-- /name -->`. */
function rowsOf(name: string, start = ''): string[][] {
  const from = document.indexOf(`<!-- ${name} -->`)
  const to = document.indexOf(`<!-- /${name} -->`)
  return tableRows(document.slice(from, to), start)
}

describe('docs/clients.md', () => {
  test('says of each client what the tests measure, and of no other', () => {
    const [, ...rows] = rowsOf('traits')
    const told = new Map(rows.map(([name, ...cells]) => [name, cells]))
    const measured = new Map(Object.entries(TRAITS).map(([name, of]) => [name, Object.values(of)]))
    expect(told).toEqual(measured)
  })

  test('says when each gives up a silent stream, as `npm run clients-idle` measures it', () => {
    const [, ...rows] = rowsOf('silence')
    const expected = Object.entries(SILENCE).map(([name, seconds]) => [
      name,
      seconds === undefined ? `not within ${LONGEST_SECONDS} s` : `${seconds} s`,
    ])
    expect(rows).toEqual(expected)
  })

  test('says which versions of the packages were measured', () => {
    const npm = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
      devDependencies: Record<string, string>
    }
    const python = readFileSync(new URL('test/e2e/clients/requirements.txt', ROOT), 'utf8')
    const pinned = new Map([
      ...Object.entries(npm.devDependencies),
      ...python.split('\n').map((line) => line.split('==') as [string, string]),
    ])
    const rows = rowsOf('versions', '`')
    expect(rows.length).toBeGreaterThan(5)
    for (const [name = '', version] of rows) {
      expect(version, name).toBe(pinned.get(name.replaceAll('`', '')))
    }
  })
})
