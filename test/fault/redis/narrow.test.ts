import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatId } from '../../../src/position.ts'
import { requestOf } from '../../broker/open-broker.ts'
import { openReplicas } from '../../broker/redis-replicas.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'

const CLIENTS = 60
const MESSAGES = 10
const MESSAGE = 'x'.repeat(6000)
const BYTES_PER_SECOND = 500_000
/** What they resume takes 7 s on this line; three times that. */
const DEADLINE_MS = 22_000

let redis: TestRedis

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis.stop())

test('on a narrow line clients resume one after another, and publishes are answered meanwhile', async () => {
  const { one, other, proxy } = await openReplicas(redis)
  const { position } = await other.publish('start')
  const names = Array.from({ length: CLIENTS }, (_, i) => `channel-${i}`)
  for (let i = 0; i < MESSAGES; i += 1) {
    await other.broker.publish(names.map((name) => requestOf(name, { data: MESSAGE })))
  }
  const logs = await one.join(...names)
  proxy.limit(BYTES_PER_SECOND)
  let resumed = 0
  const id = formatId(position)
  const all = logs.map(async (log) => {
    const opening = await one.broker.open([log], { kind: 'after', id })
    expect(opening.gap).toBeUndefined()
    resumed += 1
  })
  const answers: string[] = []
  const startedMs = performance.now()
  await waitFor(
    'all to be resumed',
    async () => {
      const [result] = await one.broker.publish([requestOf('other', {})])
      answers.push('error' in result! ? result.error.message : 'stored')
      return resumed === CLIENTS
    },
    DEADLINE_MS,
  )
  await Promise.all(all)
  expect(performance.now() - startedMs).toBeLessThan(DEADLINE_MS)
  const stored = answers.filter((answer) => answer === 'stored').length
  expect(stored).toBeGreaterThan(answers.length / 2)
}, 60_000)
