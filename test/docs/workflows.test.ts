import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readDocument, ROOT } from './markdown.ts'

const FOLDER = '.github/workflows/'
const FILES = readdirSync(new URL(FOLDER, ROOT))

type Permissions = Readonly<Record<string, string>>
interface Workflow {
  readonly permissions?: Permissions
  readonly jobs: Readonly<Record<string, Job>>
}
interface Job {
  readonly permissions?: Permissions
  readonly steps: readonly {
    uses?: string
    run?: string
    with?: Readonly<Record<string, unknown>>
  }[]
  readonly 'timeout-minutes'?: number
}

test('there is one for each change, and one that releases', () => {
  expect(FILES.sort()).toEqual(['ci.yml', 'release.yml'])
})

describe.each(FILES)('%s', (file) => {
  const text = readDocument(FOLDER + file)
  const workflow = parse(text) as Workflow
  const jobs = Object.values(workflow.jobs)
  const steps = jobs.flatMap((job) => job.steps)

  test('takes every action by the commit of a version, which a tag that is moved does not change', () => {
    const used = [...text.matchAll(/uses: (.*)/g)].map(([, name = '']) => name)
    expect(used).toHaveLength(steps.filter(({ uses }) => uses !== undefined).length)
    const pinned = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/
    expect(used.filter((name) => !pinned.test(name))).toEqual([])
  })

  test('puts nothing of an event into a script, where it could be a command', () => {
    const scripts = steps.flatMap(({ run }) => run ?? [])
    expect(scripts.length).toBeGreaterThan(0)
    expect(scripts.filter((script) => script.includes('${{'))).toEqual([])
  })

  test('leaves no credentials in the checkout', () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))
    expect(checkouts.length).toBeGreaterThan(0)
    for (const checkout of checkouts) expect(checkout.with?.['persist-credentials']).toBe(false)
  })

  test('may read, and write packages at the most', () => {
    expect(workflow.permissions).toBeDefined()
    for (const { permissions = {} } of [workflow, ...jobs]) {
      for (const [what, right] of Object.entries(permissions)) {
        expect(what === 'packages' || right === 'read', `${what}: ${right}`).toBe(true)
      }
    }
  })

  test('ends', () => {
    expect(jobs.filter((job) => job['timeout-minutes'] === undefined)).toEqual([])
  })
})
