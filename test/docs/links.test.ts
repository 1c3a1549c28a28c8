import { existsSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { listDocuments, readDocument, ROOT } from './markdown.ts'

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g
const ABSOLUTE = /^[a-z]+:/
const HEADING = /^#{1,6} +(.+)$/gm

test('there are documents to look at', () => {
  expect(listDocuments()).toContain('README.md')
  expect(listDocuments()).toContain('docs/protocol.md')
})

test.each(listDocuments())('the relative links of %s lead somewhere', (path) => {
  const broken = linksOf(path).filter((link) => !leadsSomewhere(path, link))
  expect(broken).toEqual([])
})

function linksOf(path: string): string[] {
  const text = withoutCode(readDocument(path))
  const targets = [...text.matchAll(LINK)].map(([, target]) => target as string)
  return targets.filter((target) => !ABSOLUTE.test(target))
}

function leadsSomewhere(path: string, link: string): boolean {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? new URL(path, ROOT) : new URL(file, new URL(path, ROOT))
  if (!existsSync(target)) return false
  if (anchor === undefined || statSync(target).isDirectory()) return anchor === undefined
  return anchorsOf(target.href.slice(ROOT.href.length)).includes(anchor)
}

/** As GitHub makes them from headings. */
function anchorsOf(path: string): string[] {
  const headings = [...withoutCode(readDocument(path)).matchAll(HEADING)]
  return headings.map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  )
}

/** Examples in fences are no links and no headings. */
function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '')
}
