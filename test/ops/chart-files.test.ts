import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ROOT } from '../docs/markdown.ts'

const bytesOf = (path: string) => readFileSync(new URL(path, ROOT))

test.each([
  ['ops/prometheus/alerts.yaml', 'helm/piazza/files/alerts.yaml'],
  ['ops/grafana/piazza.json', 'helm/piazza/files/piazza.json'],
])('%s and the copy of the chart are the same (script/update-chart)', (source, copy) => {
  expect(bytesOf(copy).equals(bytesOf(source))).toBe(true)
})
