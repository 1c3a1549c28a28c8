import { expect, test } from 'vitest'
import { Metrics } from '../../src/metrics.ts'
import { readDocument, tableRows } from './markdown.ts'

test('docs/operations.md has one row for each metric of the hub, with its type, and no other', () => {
  const metrics = new Metrics().registry.getMetricsAsArray() as unknown as {
    name: string
    type: string
  }[]
  const own = metrics.filter(({ name }) => name.startsWith('piazza_'))
  const expected = own.map(({ name, type }) => `\`${name}\` ${type}`)
  const rows = tableRows(readDocument('docs/operations.md'), '`piazza_')
  expect(rows.map(([name, type]) => `${name} ${type}`).sort()).toEqual(expected.sort())
})

test('each row says what the metric means, and when it is bad', () => {
  for (const row of tableRows(readDocument('docs/operations.md'), '`piazza_')) {
    expect(row, row[0]).toHaveLength(4)
    expect(
      row.every((cell) => cell !== ''),
      row[0],
    ).toBe(true)
  }
})
