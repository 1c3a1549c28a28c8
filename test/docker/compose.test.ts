import { EventSource } from 'eventsource'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { waitFor } from '../support/wait.ts'
import {
  type ComposeProject,
  createProject,
  removeLeftovers,
  removeProject,
} from './compose-project.ts'

const KEY = 'a-publish-key-for-compose'
const HUBS = ['hub-1', 'hub-2']
/** Enough that none of the two hubs is without. */
const READERS = 8
const AWAY_MS = 10_000

let project: ComposeProject

beforeAll(async () => {
  await removeLeftovers()
  project = await createProject({
    PIAZZA_PUBLISH_KEYS: KEY,
    REDIS_PASSWORD: 'a-password-for-compose',
    PIAZZA_PUBLIC_CHANNELS: 'news',
    PIAZZA_DRAIN_TIME: '1s',
  })
  await project.compose('up', '--detach', '--build', '--wait')
}, 300_000)
afterAll(async () => {
  await removeProject(project)
}, 60_000)

/** What an EventSource behind nginx was sent. */
interface Reader {
  readonly source: EventSource
  readonly received: string[]
  readonly gaps: string[]
  /** How often it was cut, or turned away for now. */
  errors: number
  hasGivenUp: boolean
}

function follow(channel: string): Reader {
  const source = new EventSource(`${project.subscribeUrl}/channels/${channel}`)
  const reader: Reader = { source, received: [], gaps: [], errors: 0, hasGivenUp: false }
  source.addEventListener('message', ({ data }) => reader.received.push(data as string))
  source.addEventListener('piazza.gap', ({ data }) => reader.gaps.push(data as string))
  source.addEventListener('error', () => {
    reader.errors += 1
    reader.hasGivenUp ||= source.readyState === EventSource.CLOSED
  })
  onTestFinished(() => {
    source.close()
  })
  return reader
}

function publish(idempotencyKey: string, url = project.publishUrl): Promise<Response> {
  return fetch(`${url}/publish`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ channel: 'news', data: idempotencyKey, idempotencyKey }),
    signal: AbortSignal.timeout(10_000),
  })
}

/** Publishes one message after the other, each until it is stored, until it is stopped. */
function publishAllTheWhile() {
  const stored: string[] = []
  const refusals: { status: number; retryAfter: string | null }[] = []
  const state = { isOver: false, isGivenUp: false }
  const store = async (message: string) => {
    for (let isStored = false; !isStored && !state.isGivenUp;) {
      const { status, headers } = await publish(message)
      isStored = status === 201 || status === 200 // stored before, and the answer was lost
      if (isStored) stored.push(message)
      else refusals.push({ status, retryAfter: headers.get('retry-after') })
    }
  }
  const loop = async () => {
    for (let number = 1; !state.isOver; number += 1) await store(`news ${number}`)
  }
  const ended = loop()
  onTestFinished(() => {
    state.isGivenUp = true
    state.isOver = true
    return ended
  })
  const stop = () => {
    state.isOver = true
    return ended
  }
  return { stored, refusals, stop }
}

/** What a subscribe is answered while no hub is there. */
async function expectComeBack(): Promise<void> {
  const subscribed = await fetch(`${project.subscribeUrl}/channels/news`, {
    headers: { origin: 'http://page.example' },
  })
  expect(subscribed.status).toBe(200)
  expect(Object.fromEntries(subscribed.headers)).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store, no-transform',
    'access-control-allow-origin': 'http://page.example',
  })
  expect(await subscribed.text()).toMatch(/^: no hub answers\nretry: [1-4]\d{3}\n$/)
  expect((await publish('lost', project.subscribeUrl)).status).toBe(404)
  const raw = await fetch(`${project.subscribeUrl}/channels/news`, { method: 'POST', body: 'lost' })
  expect(raw.status).toBe(502)
}

/** A process that has no handler yet ignores a SIGTERM where it is the first of its container. */
async function waitForHub(name: string): Promise<void> {
  const isUp = () =>
    project.compose('exec', '-T', name, 'node', 'health.mjs').then(
      () => true,
      () => false,
    )
  await waitFor(`${name} to answer`, isUp, 30_000)
}

test('hubs are killed, started and away all together: nothing is lost, nothing comes twice, no EventSource gives up', async () => {
  const readers = Array.from({ length: READERS }, () => follow('news'))
  const areOpen = () => readers.every(({ source }) => source.readyState === EventSource.OPEN)
  await waitFor('all streams', areOpen)
  const publisher = publishAllTheWhile()
  const { stored, refusals } = publisher
  const waitForMore = async (count: number) => {
    const enough = stored.length + count
    await waitFor(`${count} more messages`, () => stored.length >= enough, 30_000)
  }
  await waitForMore(100)

  await project.kill('hub-1')
  await waitFor('the streams of it to be cut', () => readers.some(({ errors }) => errors > 0))
  await waitForMore(5)
  expect(refusals.filter(({ status }) => status !== 503)).toEqual([])
  await project.compose('start', 'hub-1')
  await waitForHub('hub-1')
  await waitForMore(100)

  await project.compose('stop', ...HUBS)
  const awaySinceMs = performance.now()
  const refused = refusals.length
  await waitFor('10 s to pass', () => performance.now() - awaySinceMs > AWAY_MS, AWAY_MS + 1000)
  expect(readers.filter(({ hasGivenUp }) => hasGivenUp)).toHaveLength(0)
  await expectComeBack()
  expect(refusals.length).toBeGreaterThan(refused)
  // nginx says 2 s, and a hub that has not reached Redis yet 1 s
  expect(refusals.filter(({ status, retryAfter }) => status !== 503 || !retryAfter)).toEqual([])
  await project.compose('start', ...HUBS)
  await waitForMore(100)

  await publisher.stop()
  for (const { received } of readers) {
    await waitFor('the last message', () => received.at(-1) === stored.at(-1), 20_000)
  }
  for (const reader of readers) {
    expect(reader.received).toEqual(stored)
    expect(reader.gaps).toEqual([])
    expect(reader.errors).toBeGreaterThan(0)
    expect(reader.hasGivenUp).toBe(false)
  }
  await waitFor('all streams again', areOpen)
}, 180_000)

test('Prometheus reads the metrics of both hubs, and its configuration is right', async () => {
  const readUp = async () => {
    const answer = await fetch(`${project.prometheusUrl}/api/v1/query?query=up`)
    const { data } = (await answer.json()) as {
      data: { result: { metric: { instance: string }; value: [number, string] }[] }
    }
    return data.result.map(({ metric, value }) => `${metric.instance} ${value[1]}`).sort()
  }
  const expected = HUBS.map((hub) => `${hub}:9090 1`).join()
  await waitFor('both hubs', async () => (await readUp()).join() === expected, 30_000)
  const check = ['exec', '-T', 'prometheus', 'promtool', 'check', 'config']
  expect(await project.compose(...check, '/etc/prometheus/prometheus.yml')).toContain('SUCCESS')
})

const statusOf = async (url: string) => (await fetch(url)).status

test('publishing and metrics are not to be had where readers come in, and metrics nowhere', async () => {
  expect((await publish('a', project.subscribeUrl)).status).toBe(404)
  expect(await statusOf(`${project.subscribeUrl}/metrics`)).toBe(404)
  expect(await statusOf(`${project.publishUrl}/metrics`)).toBe(404)
  expect(await statusOf(`${project.publishUrl}/readyz`)).toBe(200)
  const raw = await fetch(`${project.subscribeUrl}/channels/news`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}` },
    body: 'a',
  })
  expect(raw.status).toBe(405)
})
