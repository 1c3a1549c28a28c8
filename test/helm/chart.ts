import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { writeFile } from '../support/folder.ts'

const run = promisify(execFile)
export const CHART = fileURLToPath(new URL('../../helm/piazza', import.meta.url))

/** The names of the files of values that are tried: helm/piazza/ci/NAME.yaml. */
export const CASES = readdirSync(`${CHART}/ci`).map((file) => file.replace('.yaml', ''))
/** One before and one after preStop could sleep by itself (1.30). */
export const KUBERNETES = ['1.29', '1.34'] as const

export function valuesOf(name: string): string {
  return `${CHART}/ci/${name}.yaml`
}

/** An object of Kubernetes, of whatever kind. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels: Record<string, string>
    readonly annotations?: Record<string, string>
  }
  readonly spec: any // oxlint-disable-line typescript/no-explicit-any
  readonly data?: Record<string, string>
}

export function helm(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return run('helm', args, { maxBuffer: 16 * 1024 ** 2 })
}

/** The objects of a case, with what is set on top of it (as YAML). */
export function render(
  name: string,
  overrides = '',
  kubernetes?: string,
  chart?: string,
): Promise<Rendered> {
  const files = [valuesOf(name), ...(overrides === '' ? [] : [writeFile(overrides)])]
  return renderFiles(files, kubernetes, chart)
}

/** The objects that files of values make. */
export async function renderFiles(
  files: readonly string[],
  kubernetes: string = KUBERNETES[1],
  chart = CHART,
): Promise<Rendered> {
  const values = files.flatMap((file) => ['--values', file])
  const kube = ['--kube-version', `${kubernetes}.0`]
  const { stdout } = await helm('template', 'hub', chart, '--namespace', 'rt', ...kube, ...values)
  return new Rendered(stdout)
}

export class Rendered {
  readonly manifests: readonly Manifest[]

  constructor(text: string) {
    // Helm and Kubernetes read YAML 1.1, in which off is a boolean
    const documents = parseAllDocuments(text, { version: '1.1' }) as { toJS: () => Manifest | null }[]
    const all = documents.map((document) => document.toJS())
    this.manifests = all.filter((manifest) => manifest !== null)
  }

  find(kind: string, name = 'hub-piazza'): Manifest | undefined {
    return this.manifests.find((one) => one.kind === kind && one.metadata.name === name)
  }

  get(kind: string, name?: string): Manifest {
    const found = this.find(kind, name)
    if (found === undefined) throw new Error(`there is no ${kind} ${name ?? ''}`)
    return found
  }

  /** The specification of the hub's pods. */
  get pod() {
    return this.get('Deployment').spec.template.spec
  }

  get hub() {
    return this.pod.containers[0]
  }

  /** The environment of the hub: values, or `SECRET/ENTRY` where they come from one. */
  get environment(): Map<string, string> {
    const entries = this.hub.env as {
      name: string
      value?: string
      valueFrom?: { secretKeyRef: { name: string; key: string } }
    }[]
    return new Map(
      entries.map(({ name, value, valueFrom }) => {
        const from = valueFrom?.secretKeyRef
        return [name, value ?? `${from!.name}/${from!.key}`]
      }),
    )
  }

  /** An entry of a Secret, decoded. */
  secret(name: string, entry: string): string {
    return Buffer.from(this.get('Secret', name).data![entry]!, 'base64').toString()
  }
}
