import { expect, test } from 'vitest'
import { passTime } from '../../support/position.ts'
import { waitFor } from '../../support/wait.ts'
import { type Client } from './client.ts'
import { CHANNEL, setStage, STEP_MS, TEST_MS } from './stage.ts'

/** Longer than any client here takes to come back. */
const QUIET_MS = 800
const LAST_CHUNK = '\r\n0\r\n\r\n'

export function playEnds(client: () => Client): void {
  test('comes back from a clean end, and misses nothing', { timeout: TEST_MS }, async () => {
    const stage = await setStage(client(), {
      settings: { PIAZZA_STREAM_MAX_AGE: '1s' },
      prepare: (_hub, before) => {
        before.cutAt((text) => {
          const at = text.indexOf(LAST_CHUNK)
          return at < 0 ? undefined : at + LAST_CHUNK.length
        })
      },
    })
    await stage.send('score')
    await stage.proxy.waitForCut('behind the last chunk', STEP_MS)
    await stage.send('message')
    await stage.send('score')
    stage.proxy.release()
    await stage.waitForMessages('published meanwhile')
    expect(stage.messages()).toEqual(stage.sent)
    const closed = /event: piazza\.close\nretry: \d+\ndata: .*\nid: (\S+)\n\n/.exec(
      stage.proxy.sent,
    )
    expect(stage.proxy.requests[1]?.lastEventId).toBe(closed?.[1])
  })

  test('asks no more when the channel is over', { timeout: TEST_MS }, async () => {
    const stage = await setStage(client(), {
      query: '?since=all',
      prepare: async (before) => {
        await before.send(CHANNEL, 'early')
      },
    })
    await stage.send('message')
    await stage.waitForMessages('so far')
    stage.proxy.cut()
    await stage.send('score')
    await stage.hub.send(CHANNEL, 'done', { end: true })
    stage.proxy.release()
    await waitFor('the client to stop', () => stage.follower.isOver, STEP_MS)
    const asked = stage.proxy.requests.length
    expect(stage.proxy.requests.at(-1)?.status).toBe(204)
    await passTime('any further request', QUIET_MS)
    expect(stage.proxy.requests).toHaveLength(asked)
    expect(stage.messages().map(({ data }) => data.split(' ', 2).join(' '))).toEqual([
      'early',
      'message 1',
      'message 2',
      'done',
    ])
  })
}
