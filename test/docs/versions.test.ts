import { expect, test } from 'vitest'
import { readDocument } from './markdown.ts'

const { version } = JSON.parse(readDocument('package.json')) as { version: string }

/** Where else it is stated, as what, and how. The label of the image is looked at in test/docker; script/update-chart writes the chart's. */
const STATED: readonly (readonly [path: string, what: string, pattern: RegExp])[] = [
  ['package-lock.json', 'version', /^ {2}"version": "(.+)"/m],
  ['Dockerfile', 'VERSION', /^ARG VERSION=(.+)$/m],
  ['helm/piazza/Chart.yaml', 'version', /^version: ['"]?([^'"\s]+)/m],
  ['helm/piazza/Chart.yaml', 'appVersion', /^appVersion: ['"]?([^'"\s]+)/m],
]

test.each(STATED)('%s has the version of package.json as its %s', (path, _what, pattern) => {
  expect(pattern.exec(readDocument(path))?.[1]).toBe(version)
})
