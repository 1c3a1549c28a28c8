import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createFolder } from '../support/folder.ts'
import { CASES, CHART, render } from './chart.ts'

/** What `helm install` would say. `helm template` leaves it out, so a copy of the chart has it in an object. */
async function notesOf(name: string, overrides = ''): Promise<string> {
  const copy = createFolder()
  cpSync(CHART, copy, { recursive: true })
  const notes = readFileSync(join(CHART, 'templates/NOTES.txt'), 'utf8')
  const wrapped = `{{- define "notes" -}}\n${notes}{{- end -}}
apiVersion: v1
kind: ConfigMap
metadata: { name: notes, labels: {} }
data: { notes: {{ include "notes" . | quote }} }
`
  writeFileSync(join(copy, 'templates/notes.yaml'), wrapped)
  return (await render(name, overrides, undefined, copy)).get('ConfigMap', 'notes').data!['notes']!
}

test('without Redis they warn of what a rollout does', async () => {
  const warning = /WITHOUT REDIS .* A rollout, .* closes all streams at\nonce, loses what was kept/
  expect(await notesOf('minimal')).toMatch(warning)
  expect(await notesOf('minimal')).toContain('\n  kubectl -n rt scale deployment/hub-piazza --replicas=0\n')
  for (const name of CASES.filter((one) => one !== 'minimal')) {
    expect(await notesOf(name), name).not.toMatch(/WITHOUT REDIS/)
  }
  expect(await notesOf('tls')).toContain(
    'one pod for trials: no replica, no backup, and no disk.',
  )
})

test('they name the next commands, with the key where it is', async () => {
  const notes = await notesOf('production')
  expect(notes).toContain('\n  helm test hub -n rt\n')
  expect(notes).toContain('port-forward svc/hub-piazza-internal 9090:9090 &\n')
  expect(notes).toContain(
    `get secret piazza-keys -o go-template='{{index .data "keys.txt" | base64decode}}' | grep -m 1 '^[^#]')`,
  )
  expect(notes).toContain('curl -NH "Authorization: Bearer $KEY"')
  expect(await notesOf('minimal')).toContain('get secret hub-piazza-publish-keys -o')
  expect(await notesOf('ingress')).toContain('https://events.example.org/channels/…')
  const secure = 'tls: { enabled: true, existingSecret: tls }'
  expect(await notesOf('minimal', secure)).toContain('curl -kNH')
})

test('they say who is kept out', async () => {
  const kept = 'Prometheus elsewhere needs networkPolicy.metricsFrom.'
  expect(await notesOf('minimal')).toContain(kept)
  expect(await notesOf('production')).not.toContain(kept)
})
