import { expect, test } from 'vitest'
import { errors } from '../../src/errors.ts'
import { readDocument, tableRows } from './markdown.ts'

test('docs/errors.md has one row for each code of src/errors.ts, with its status, and no other', () => {
  const coded = Object.values(errors).map((Coded) => new Coded('a message'))
  const expected = coded.map(({ code, statusCode }) => `\`${code}\` ${statusCode}`)
  const rows = tableRows(readDocument('docs/errors.md'), '`PIAZZA_ERR_')
  expect(rows.map(([code, status]) => `${code} ${status}`).sort()).toEqual(expected.sort())
})

test('each row says when the error comes and what to do', () => {
  for (const row of tableRows(readDocument('docs/errors.md'), '`PIAZZA_ERR_')) {
    expect(row, row[0]).toHaveLength(4)
    expect(
      row.every((cell) => cell !== ''),
      row[0],
    ).toBe(true)
  }
})

test('each error is listed under its own name', () => {
  for (const [name, Coded] of Object.entries(errors)) {
    expect(new Coded('a message').code).toBe(`PIAZZA_ERR_${name}`)
  }
})
