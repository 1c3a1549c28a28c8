import { describe, expect, test } from 'vitest'

/** The benches are JavaScript. */
const bench = (path: string) => import(new URL(`../bench/${path}.mjs`, import.meta.url).href)

interface Outcome {
  readonly values?: Record<string, number>
  readonly failed?: string
}

interface Work {
  readonly name: string
  readonly variants: readonly { readonly name: string }[]
}

interface Results {
  runs: readonly { readonly works: readonly string[] }[]
  beginRun(run: { works: string[] }): void
  add(work: Work, variant: { name: string }, peer: { name: string }, outcome: Outcome): void
  toText(): string
}

const PEERS = ['piazza', 'nchan', 'better-sse'].map((name) => ({ name }))

async function emptyResults(): Promise<Results> {
  const { Results: Kind } = (await bench('results/results')) as { Results: new () => Results }
  return new Kind()
}

async function workOf(name: string): Promise<Work> {
  const module = (await bench(`work/${name}`)) as Record<string, Work>
  return module[name]!
}

/** The cells behind each name of a table in Markdown. */
async function targetsOf(results: Results, works: readonly Work[]) {
  const { targetTable } = (await bench('results/targets')) as {
    targetTable: (...args: unknown[]) => string
  }
  const rows = targetTable(results, works, PEERS).split('\n').slice(2)
  return Object.fromEntries(
    rows.map((row) => {
      const [name, ...cells] = row
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim())
      return [name!, cells]
    }),
  )
}

describe('targets', () => {
  test('are ratios of medians; what failed is in none, and is told', async () => {
    const results = await emptyResults()
    const work = await workOf('saturation')
    const [single] = work.variants
    for (const perSecond of [600, 500, 10]) {
      results.add(work, single!, { name: 'piazza' }, { values: { perSecond, p99: 150 } })
    }
    results.add(work, single!, { name: 'piazza' }, { failed: 'a stream was cut' })
    for (const perSecond of [9, 11]) {
      results.add(work, single!, { name: 'nchan' }, { values: { perSecond } })
    }
    const targets = await targetsOf(results, [work])
    expect(targets['(a) single: × nchan']).toEqual(['50.00', '≥ 50: met', '≥ 100: NOT met'])
    expect(targets['(a) single: p99 ms at that load']).toEqual(['150.00', '≤ 200: met', ''])
    expect(targets['(a) batches of 100: × nchan']![0]).toBe('not measured')
    expect(targets['saturation: failed rounds']).toEqual(['1.00', '≤ 0: NOT met', ''])
  })

  test('of memory hold the same against all: what is left after a collection, where there is one', async () => {
    const results = await emptyResults()
    const work = await workOf('memory')
    const [idle] = work.variants
    const each = { piazza: [900, 3000], nchan: [10_000], 'better-sse': [-50, 15_000] }
    for (const [name, [asItStands, collected]] of Object.entries(each)) {
      const values = { asItStands: asItStands!, ...(collected && { collected }) }
      results.add(work, idle!, { name }, { values })
    }
    const targets = await targetsOf(results, [work])
    expect(targets['(e) the same, × the lowest of the peers']![0]).toBe('0.30')
  })

  test('of storms hold the slowest publish of all rounds to a second', async () => {
    const results = await emptyResults()
    const work = await workOf('storm')
    for (const slowest of [100, 1200, 100]) {
      results.add(work, work.variants[0]!, { name: 'piazza' }, { values: { slowest } })
    }
    const targets = await targetsOf(results, [work])
    expect(targets['(f) new: slowest publish of all rounds ms']).toEqual([
      '1200.00',
      '≤ 1000: NOT met',
      '',
    ])
  })

  test('of growth look at streams and at channels', async () => {
    const results = await emptyResults()
    const work = await workOf('growth')
    for (const [i, variant] of work.variants.entries()) {
      const isLast = i === work.variants.length - 1
      const values = { microseconds: isLast ? 40 : 20 }
      results.add(work, variant, { name: 'piazza' }, { values })
    }
    const targets = await targetsOf(results, [work])
    expect(targets['growth: streams of one channel']).toEqual(['1.00', '≤ 1.5: met', ''])
    expect(targets['growth: channels with one stream each']![1]).toBe('≤ 1.5: NOT met')
  })
})

test('a run in parts keeps what came out before, but of what is made anew', async () => {
  const { Results: Kind } = (await bench('results/results')) as {
    Results: { fromText: (text: string) => Results }
  }
  const [growth, storm] = [await workOf('growth'), await workOf('storm')]
  const first = await emptyResults()
  first.beginRun({ works: ['growth', 'storm'] })
  for (const work of [growth, storm]) {
    const values = { microseconds: 5, slowest: 5 }
    addAll(first, work, { values })
  }
  const second = Kind.fromText(first.toText())
  second.beginRun({ works: ['growth'] })
  expect(second.runs).toEqual([{ works: ['storm'] }, { works: ['growth'] }])
  const targets = await targetsOf(second, [growth, storm])
  expect(targets['growth: streams of one channel']![0]).toBe('not measured')
  expect(targets['(f) new: slowest publish of all rounds ms']![0]).toBe('5.00')
  second.beginRun({ works: ['storm'] })
  expect(second.runs).toEqual([{ works: ['growth'] }, { works: ['storm'] }])
})

function addAll(into: Results, work: Work, outcome: Outcome): void {
  for (const variant of work.variants) into.add(work, variant, { name: 'piazza' }, outcome)
}
