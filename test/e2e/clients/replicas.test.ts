import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestHub } from '../../support/hub.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'
import { curl, httpxSse } from './commands.ts'
import { keepPublishing } from './drains.ts'
import { eventsource } from './event-sources.ts'
import { setStage, startHubFor, STEP_MS, TEST_MS } from './stage.ts'

let redis: TestRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const waitForRedis = (hub: TestHub) =>
  waitFor('the hub to reach Redis', async () => (await hub.get('/readyz')).status === 200)

test.each([
  ['npm eventsource', eventsource],
  ['curl', curl],
  ['httpx-sse', httpxSse],
])(
  'sent away by a drain, %s goes to another replica, and misses nothing',
  { timeout: TEST_MS },
  async (name, client) => {
    const settings = {
      PIAZZA_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      PIAZZA_REDIS_PREFIX: name.replaceAll(' ', '-'),
    }
    const other = await startHubFor(client, settings)
    await waitForRedis(other)
    const stage = await setStage(client, { settings, prepare: waitForRedis })
    const stopPublishing = keepPublishing(() => stage.send('message', other))
    await waitFor('some messages', () => stage.messages().length > 5, STEP_MS)
    stage.proxy.lead(other.port)
    await stage.hub.app.close(0)
    const known = stage.messages().length
    await waitFor('some from the other', () => stage.messages().length > known + 5, STEP_MS)
    await stopPublishing()
    await stage.waitForMessages('in the end')

    expect(stage.messages()).toEqual(stage.sent)
    expect(stage.follower.heard.filter(({ event }) => event === 'piazza.gap')).toEqual([])
    const closed = /event: piazza\.close\nretry: \d+\ndata: .*\nid: (\S+)\n\n/.exec(
      stage.proxy.sent,
    )
    expect(stage.proxy.requests.map(({ lastEventId }) => lastEventId)).toEqual(['', closed?.[1]])
  },
)
