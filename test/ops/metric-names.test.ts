import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readDocument } from '../docs/markdown.ts'
import { startHub } from '../support/hub.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { waitFor } from '../support/wait.ts'
import { mentionsIn, type Mention } from './promql.ts'

/** Prometheus makes it itself. */
const OF_PROMETHEUS = 'up'

interface Panel {
  readonly title: string
  readonly type: string
  readonly description?: string
  readonly targets?: readonly { readonly expr: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: any }[] } // oxlint-disable-line typescript/no-explicit-any
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[]
  }[]
}

const dashboard = JSON.parse(readDocument('ops/grafana/piazza.json')) as Dashboard
const { groups } = parse(readDocument('ops/prometheus/alerts.yaml')) as Rules
const alerts = groups.flatMap(({ rules }) => rules)

const expressions = [
  ...alerts.map(({ alert, expr }) => ({ where: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: title, expr })),
  ),
]

/** Lines of `/metrics` that a mention is about. */
function linesOf({ metric, labels }: Mention, lines: readonly string[]): string[] {
  const wanted = [...labels].map(([name, value]) => `${name}="${value}"`)
  return lines.filter((line) => {
    const [name] = line.split(/[{ ]/, 1)
    return name === metric && wanted.every((label) => line.includes(label))
  })
}

let redis: TestRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(async () => {
  await redis.stop()
})

describe.each(['memory', 'redis'])('with the %s broker', (broker) => {
  test('every metric and label of the dashboard and the alerts is in /metrics', async () => {
    const url = `redis://127.0.0.1:${redis.port}/0`
    const hub = await startHub(broker === 'redis' ? { PIAZZA_REDIS_URL: url } : {})
    await waitFor('the broker', async () => (await hub.get('/readyz')).status === 200)
    const lines = (await hub.get('/metrics')).text.split('\n')
    const missing = expressions.flatMap(({ where, expr }) =>
      mentionsIn(expr)
        .filter(({ metric }) => metric !== OF_PROMETHEUS)
        // a connection to Redis is there only with Redis
        .filter(({ labels }) => broker === 'redis' || !labels.has('connection'))
        .filter((mention) => linesOf(mention, lines).length === 0)
        .map(({ metric, labels }) => `${where}: ${metric} ${JSON.stringify([...labels])}`),
    )
    expect(missing).toEqual([])
  })
})

test('the parser sees what is asked for', () => {
  const [first, second] = mentionsIn(
    'sum by (a) (rate(b_total{c="d",e=~"f|g"}[$__rate_interval])) / on (a) h > 1',
  )
  expect(first).toEqual({ metric: 'b_total', labels: new Map([['c', 'd']]) })
  expect(second).toEqual({ metric: 'h', labels: new Map() })
  expect(() => mentionsIn('sum(a{b="c")')).toThrow('no PromQL')
})

test('the dashboard shows what operators ask for, and asks for the chosen hubs only', () => {
  const titles = dashboard.panels.map(({ title }) => title)
  for (const title of [
    'Streams',
    'Delivered',
    'Delivery lag',
    'Behind',
    'Gaps',
    'Refusals',
    'Connected',
    'Event loop lag p99',
    'Memory per stream',
    'Closed by a drain',
  ]) {
    expect(titles).toContain(title)
  }
  expect(dashboard.templating.list.map(({ name }) => name)).toEqual([
    'datasource',
    'job',
    'instance',
  ])
  for (const { type, title, description, targets = [] } of dashboard.panels) {
    if (type === 'row') continue
    expect(description, title).toMatch(/\.$/)
    expect(targets.length, title).toBeGreaterThan(0)
    for (const { expr } of targets) {
      const mentioned = mentionsIn(expr).length
      expect(expr.split('job=~"$job",instance=~"$instance"').length - 1, expr).toBe(mentioned)
    }
  }
})

test('panels lie side by side, and none over another', () => {
  const taken = new Set<string>()
  for (const { gridPos } of dashboard.panels as unknown as {
    gridPos: { x: number; y: number; w: number; h: number }
  }[]) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.has(`${x},${y}`), `${x},${y}`).toBe(false)
        taken.add(`${x},${y}`)
      }
    }
  }
})
