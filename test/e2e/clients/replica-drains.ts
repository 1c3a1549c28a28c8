import { expect, onTestFinished, test } from 'vitest'
import { type CutPlace } from '../../support/cutting-proxy.ts'
import { type TestHub } from '../../support/hub.ts'
import { startRedis } from '../../support/redis.ts'
import { waitFor } from '../../support/wait.ts'
import { type Client } from './client.ts'
import { CLOSE_BLOCK, inCloseBlock, keepPublishing, prepareCut } from './drains.ts'
import { setStage, startHubFor, STEP_MS, TEST_MS } from './stage.ts'

/** A deploy over Redis: a hub is drained while the other replica is published to, and the client goes there. */
export function playReplicaDrains(client: () => Client): void {
  const tail = 'goes to another replica, and misses nothing'
  test(`sent away by a drain over Redis, ${tail}`, { timeout: TEST_MS }, () => playDrain(client()))
  test(`cut in a drain over Redis, ${tail}`, { timeout: TEST_MS }, () =>
    playDrain(client(), inCloseBlock),
  )
}

async function playDrain(client: Client, place?: CutPlace): Promise<void> {
  const redis = await startRedis({ isProcess: true })
  onTestFinished(() => redis.stop())
  const settings = { PIAZZA_REDIS_URL: `redis://127.0.0.1:${redis.port}` }
  const other = await startHubFor(client, settings)
  await waitForRedis(other)
  const stage = await setStage(client, { settings, prepare: waitForRedis })
  const publish = () => keepPublishing(() => stage.send('message', other))
  let stopPublishing = publish()
  await waitFor('some messages', () => stage.messages().length > 5, STEP_MS)
  stage.proxy.lead(other.port)
  if (place !== undefined) {
    await stopPublishing()
    await prepareCut(stage, place)
  }
  const closing = stage.hub.app.close(0)
  if (place !== undefined) {
    await stage.proxy.waitForCut('in the close block', STEP_MS)
    await stage.send('score', other) // while it is away
    stage.proxy.release()
    stopPublishing = publish()
  }
  await closing
  const known = stage.messages().length
  await waitFor('some from the other', () => stage.messages().length > known + 5, STEP_MS)
  await stopPublishing()
  await stage.waitForMessages('in the end')

  expect(stage.messages()).toEqual(stage.sent)
  expect(stage.follower.heard.filter(({ event }) => event === 'piazza.gap')).toEqual([])
  const closeId = CLOSE_BLOCK.exec(stage.proxy.sent)![1]!
  const told = stage.sent.filter(({ id }) => id <= closeId)
  const asked = place === undefined ? closeId : told.at(-1)!.id
  expect(stage.proxy.requests.map(({ lastEventId }) => lastEventId)).toEqual(['', asked])
}

const waitForRedis = (hub: TestHub) =>
  waitFor('the hub to reach Redis', async () => (await hub.get('/readyz')).status === 200)
