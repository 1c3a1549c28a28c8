import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { listDocuments, readDocument } from '../docs/markdown.ts'

const RULES = fileURLToPath(new URL('../../ops/prometheus', import.meta.url))
const run = promisify(execFile)

/** On this machine, or of the image of Prometheus: script/test says which. */
const { TEST_PROMTOOL: tool = 'promtool' } = process.env

function promtool(command: string, file: string) {
  if (tool === 'promtool') return run(tool, [command, 'rules', `${RULES}/${file}`])
  const image = ['--entrypoint', 'promtool', '--volume', `${RULES}:/rules:ro`, tool]
  return run('docker', ['run', '--rm', ...image, command, 'rules', `/rules/${file}`])
}

interface Rule {
  readonly alert: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

const rules = (
  parse(readDocument('ops/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules)

test('the rules are rules, and each fires when it should', async () => {
  const { stdout } = await promtool('check', 'alerts.yaml')
  expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`)
  await expect(promtool('test', 'alerts.test.yaml')).resolves.toMatchObject({
    stdout: expect.stringContaining('SUCCESS') as unknown,
  })
}, 120_000)

test('every alert is seen to fire in a test, and leads to a place in the documents', () => {
  const tested = readDocument('ops/prometheus/alerts.test.yaml')
  expect(rules.length).toBeGreaterThan(10)
  for (const { alert, labels, annotations } of rules) {
    expect(tested, alert).toMatch(new RegExp(`alertname(="|: )${alert}\\b`))
    expect(labels.severity, alert).toMatch(/^(critical|warning)$/)
    const [path, anchor] = annotations['runbook']!.split('#')
    expect(listDocuments(), alert).toContain(path)
    expect(readDocument(path!), alert).toContain(`](#${anchor})`)
  }
})
