import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { eventsource } from '../../e2e/clients/event-sources.ts'
import { startCuttingProxy } from '../../support/cutting-proxy.ts'
import { type HubProcess, startHubProcess } from '../../support/hub-process.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { request } from '../../support/request.ts'
import { waitFor } from '../../support/wait.ts'
import { type Publisher, publishSteadily } from './replicas.ts'

vi.setConfig({ testTimeout: 90_000 }) // processes start, and a busy machine takes its time

const REPLICAS = 3
const CLIENTS = 12

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

test('clients of a replica that is killed go on with another, and miss nothing', async () => {
  const settings = { PIAZZA_REDIS_URL: `redis://127.0.0.1:${redis.port}` }
  const hubs: HubProcess[] = []
  for (let i = 0; i < REPLICAS; i += 1) hubs.push(await startHubProcess(settings))
  for (const { port } of hubs) {
    const isReady = async () => (await request(port, 'GET', '/readyz')).status === 200
    await waitFor('the replica to reach Redis', isReady)
  }
  const balancer = await startCuttingProxy(hubs[0]!.port)
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const channels = i % 2 === 0 ? ['a'] : ['a', 'b']
      const url = `${balancer.url}/channels/${channels.join(',')}`
      const client = await eventsource.follow(url, ['message', 'piazza.open', 'piazza.gap'])
      onTestFinished(() => client.close())
      const all = (name: string) => client.heard.filter(({ event }) => event === name)
      return { channels, all }
    }),
  )
  const waitToOpen = (times: number) =>
    waitFor(
      `each client to be opened for the ${times}. time`,
      () => clients.every(({ all }) => all('piazza.open').length >= times),
      20_000,
    )
  await waitToOpen(1)
  const publishing = publishSteadily(hubs.map(toPublisher), ['a', 'b', 'c'])
  for (let killed = 0; killed < REPLICAS - 1; killed += 1) {
    const before = publishing.stored.get('c')!.length
    await waitFor('traffic', () => publishing.stored.get('c')!.length > before + 20)
    balancer.lead(hubs[killed + 1]!.port)
    hubs[killed]!.signal('SIGKILL')
    await waitToOpen(killed + 2)
  }
  await publishing.stop()
  for (const { channels, all } of clients) {
    const expected = channels.flatMap((channel) => publishing.stored.get(channel)!).sort()
    const heard = () => all('message').map(({ id }) => id)
    await waitFor(`${expected.length} messages`, () => heard().length >= expected.length)
    expect(heard()).toEqual(expected)
    expect(all('piazza.gap')).toEqual([])
  }
  const resumes = balancer.requests.filter(({ lastEventId }) => lastEventId !== '')
  expect(resumes.length).toBeGreaterThanOrEqual(CLIENTS * (REPLICAS - 1))
})

/** A replica that is dead answers nothing: the message goes to the next one. */
function toPublisher({ port }: HubProcess): Publisher {
  return {
    publish: async (body) => {
      const headers = { 'content-type': 'application/json' }
      try {
        const answer = await request(port, 'POST', '/publish', headers, JSON.stringify(body))
        return { status: answer.status, json: JSON.parse(answer.text) }
      } catch {
        return { status: 0, json: undefined }
      }
    },
  }
}
