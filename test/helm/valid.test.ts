import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readDocument } from '../docs/markdown.ts'
import { writeFile } from '../support/folder.ts'
import { CASES, CHART, helm, KUBERNETES, render, renderFiles, valuesOf } from './chart.ts'

// script/prepare-tests installs it; it has the schemas of Kubernetes with it
const VALIDATE = fileURLToPath(
  new URL('../../.cache/kubernetes-validate-venv/bin/kubernetes-validate', import.meta.url),
)
/** Kinds that come with something that is installed in a cluster: there is no schema for them. */
const CUSTOM = new Set([
  'BackendConfig',
  'GCPBackendPolicy',
  'HTTPRoute',
  'HealthCheckPolicy',
  'PrometheusRule',
  'ServiceMonitor',
])

test('there is a case for each way to install it', () => {
  const asked = ['gateway', 'hpa', 'ingress', 'minimal', 'production', 'sentinel', 'tls']
  expect(CASES.toSorted()).toEqual(asked)
})

test.each(CASES)('helm lint has nothing to say about %s', async (name) => {
  const { stdout } = await helm('lint', '--strict', CHART, '--values', valuesOf(name))
  expect(stdout).toContain('1 chart(s) linted, 0 chart(s) failed')
})

test.each(KUBERNETES)('what is rendered is valid in Kubernetes %s', async (kubernetes) => {
  const paths: string[] = []
  for (const name of CASES) {
    const { manifests } = await render(name, '', kubernetes)
    const known = manifests.filter(({ kind }) => !CUSTOM.has(kind))
    expect(known.length, name).toBeGreaterThan(5)
    paths.push(writeFile(known.map((manifest) => JSON.stringify(manifest)).join('\n---\n')))
  }
  const options = ['--strict', '--quiet', '--kubernetes-version', kubernetes]
  await expect(promisify(execFile)(VALIDATE, [...options, ...paths])).resolves.toBeDefined()
}, 60_000)

test('names are unique among objects of a kind, and all objects say what they belong to', async () => {
  for (const name of CASES) {
    const { manifests } = await render(name)
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(new Set(names).size, names.join()).toBe(names.length)
    for (const { metadata } of manifests) {
      expect(metadata.labels, metadata.name).toMatchObject({
        'app.kubernetes.io/name': 'piazza',
        'app.kubernetes.io/instance': 'hub',
        'app.kubernetes.io/managed-by': 'Helm',
      })
    }
  }
})

test('with a long name everything still fits into the 63 characters of a label', async () => {
  const { manifests } = await render('ingress', `fullnameOverride: ${'n'.repeat(80)}`)
  for (const { kind, metadata } of manifests) {
    expect(metadata.name.length, `${kind} ${metadata.name}`).toBeLessThanOrEqual(57)
  }
})

test('every value of the schema has a default in values.yaml, where people look for it', () => {
  const values = parse(readFileSync(`${CHART}/values.yaml`, 'utf8'))
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema
  expect(missingIn(values, schema)).toEqual([])
})

test('the example of docs/operations.md can be installed', async () => {
  const [, values] = /```yaml\n(# values\.yaml\n[^]*?)```/.exec(
    readDocument('docs/operations.md'),
  )!
  const rendered = await renderFiles([writeFile(values!)])
  for (const kind of ['Deployment', 'Ingress', 'ServiceMonitor', 'PrometheusRule']) {
    expect(rendered.find(kind), kind).toBeDefined()
  }
})

interface Schema {
  readonly additionalProperties?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
}

/** Not those of `config`: the hub has their defaults. Not `global`: Helm gives it to every chart. */
function missingIn(values: any, { properties = {} }: Schema, path = ''): string[] { // oxlint-disable-line typescript/no-explicit-any
  if (path === '.config') return []
  return Object.entries(properties).flatMap(([name, schema]) => {
    const here = `${path}.${name}`
    if (here === '.global') return []
    if (values[name] === undefined) return [here]
    // what is as Kubernetes has it is free
    return schema.additionalProperties === false ? missingIn(values[name], schema, here) : []
  })
}
