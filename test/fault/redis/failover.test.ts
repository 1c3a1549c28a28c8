import { expect, test, vi } from 'vitest'
import { startHub } from '../../support/hub.ts'
import { startSentinels } from '../../support/sentinels.ts'
import { waitFor } from '../../support/wait.ts'
import { follow, isReady } from './replicas.ts'

vi.setConfig({ testTimeout: 90_000 }) // outages take their time, and a busy machine more

const PREFIX = 'failover'

// By more than the leap of rule 2, too: the clock in Redis is replicated, and ids go on from there.
test.each([0, 30])(
  'a failover by sentinels, to a clock that is %i s behind, keeps streams open and loses nothing that was replicated',
  async (behindSeconds) => {
    const setup = await startSentinels()
    const aheadMicroseconds = (Date.now() + behindSeconds * 1000) * 1000
    if (behindSeconds > 0) await setup.client.set(`{${PREFIX}}:clock`, aheadMicroseconds)
    const settings = {
      PIAZZA_REDIS_URL: 'redis://ignored/0',
      PIAZZA_REDIS_SENTINELS: setup.sentinels,
      PIAZZA_REDIS_PREFIX: PREFIX,
    }
    const hubs = [await startHub(settings), await startHub(settings)]
    for (const hub of hubs) await waitFor('the hub to reach Redis', () => isReady(hub), 20_000)
    const followers = [await follow(hubs[0]!, 'a'), await follow(hubs[1]!, 'a', 'b')]
    const stored: string[] = []
    for (let i = 0; i < 20; i += 1) stored.push(await hubs[i % 2]!.send('a', i))
    await setup.waitForReplica()
    await setup.killMaster()
    for (const hub of hubs) {
      await waitFor(
        'publishing to go on with the new master',
        async () => {
          const { status, json } = await hub.publish({ channel: 'a', data: 'after' })
          if (status === 201) stored.push(json.id as string)
          return status === 201
        },
        45_000,
      )
    }
    for (const { stream } of followers) {
      await stream.waitForMessages(stored.length, 20_000)
      expect(stream.messages.map(({ id }) => id)).toEqual(stored)
      expect(stream.control('gap')).toEqual([])
      expect(stream.isClosed).toBe(false)
    }
    expect(stored).toEqual([...stored].sort()) // no position is given out again, whatever the new master's clock says
  },
  120_000,
)
