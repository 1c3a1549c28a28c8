import { expect, test } from 'vitest'
import { type Setting } from '../../src/config/setting.ts'
import { SETTINGS } from '../../src/config/settings.ts'
import { readDocument } from './markdown.ts'

const NOT_A_VALUE: ReadonlySet<string> = new Set(['—', 'from the file limit'])

test('the README has exactly one row for each setting, as src/config/settings.ts tells it', () => {
  const [, table = ''] =
    /<!-- settings -->\n([\s\S]*?)<!-- \/settings -->/.exec(readDocument('README.md')) ?? []
  const rows = table.trim().split('\n')
  const expected = Object.entries<Setting<unknown>>(SETTINGS).map(
    ([name, { defaultText, type, description }]) => {
      const shown = NOT_A_VALUE.has(defaultText) ? defaultText : `\`${defaultText}\``
      return `| \`${name}\` | ${shown} | ${type} | ${description} |`
    },
  )
  expect(rows).toEqual([
    '| variable | default | type | meaning |',
    '|---|---|---|---|',
    ...expected,
  ])
})

test('no document names a setting that does not exist', () => {
  const documents = [
    'README.md',
    'docs/protocol.md',
    'docs/operations.md',
    'docs/errors.md',
    'SECURITY.md',
  ]
  const isOther = /^PIAZZA_ERR_/
  for (const path of documents) {
    const names = readDocument(path).match(/\bPIAZZA_[A-Z_]*[A-Z]\b/g) ?? []
    const unknown = names.filter((name) => !isOther.test(name) && !Object.hasOwn(SETTINGS, name))
    expect(unknown, path).toEqual([])
  }
})
