import { readdirSync, readFileSync } from 'node:fs'

/** The root of the repository. */
export const ROOT = new URL('../../', import.meta.url)

/** A document by its path from the root. */
export function readDocument(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

/** The cells of every table row whose first cell begins with `start`; `\|` is a bar inside a cell. */
export function tableRows(markdown: string, start: string): string[][] {
  const rows = markdown.split('\n').filter((line) => line.startsWith(`| ${start}`))
  return rows.map((row) =>
    row
      .slice(1, row.lastIndexOf('|'))
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  )
}

const NOT_OURS: ReadonlySet<string> = new Set([
  'node_modules',
  'dist',
  'coverage',
  '.git',
  '.cache',
])

/** Every Markdown file of the repository, as paths from its root. */
export function listDocuments(folder = ''): string[] {
  return readdirSync(new URL(folder, ROOT), { withFileTypes: true }).flatMap((entry) => {
    const path = folder + entry.name
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : listDocuments(`${path}/`)
    return path.endsWith('.md') ? [path] : []
  })
}
