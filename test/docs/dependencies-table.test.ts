import { expect, test } from 'vitest'
import { readDocument, tableRows } from './markdown.ts'

test('docs/architecture.md says of each runtime dependency why it is there, and of no other', () => {
  const { dependencies } = JSON.parse(readDocument('package.json')) as {
    dependencies: Record<string, string>
  }
  const [, section = ''] = readDocument('docs/architecture.md').split('\n## Dependencies\n')
  const [, ...rows] = tableRows(section, '').filter(([name]) => !name?.startsWith('---'))
  expect(rows.map(([name = '']) => name).sort()).toEqual(Object.keys(dependencies).sort())
  for (const [name, reason] of rows) expect(reason, name).toMatch(/\.$/)
})
