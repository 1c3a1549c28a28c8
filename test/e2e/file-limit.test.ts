import { expect, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { openIdleStreams } from '../support/idle-streams.ts'
import { openStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

test('a hub with few files takes fewer streams, says so, and goes on for everybody else', async () => {
  const hub = await startHubProcess({}, { fileLimit: 300 })
  const started = JSON.parse(hub.log.find((line) => line.includes('"started"'))!) as {
    maxStreams: number
  }
  expect(started.maxStreams).toBe(225)
  const streams = await openIdleStreams(hub.port, 225)
  expect(await hub.metric('piazza_streams')).toBe(225)

  const refused = await request(hub.port, 'GET', '/channels/a')
  expect(refused.status).toBe(200)
  expect(refused.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'piazza-refused': 'max-streams',
  })
  expect(refused.text).toMatch(/^retry: \d+$/m)
  // Fifty publishers at once still find a file each.
  await Promise.all(Array.from({ length: 50 }, (_, i) => hub.send('a', `${i}`)))

  // Nor does a crowd outside hold the files for long that are left.
  const crowd = await openIdleStreams(hub.port, 40)
  expect(await hub.metric('piazza_streams')).toBe(225)
  await waitFor('the crowd to be let go', () => crowd.every(({ closed }) => closed), 20_000)
  await Promise.all(Array.from({ length: 50 }, (_, i) => hub.send('a', `again ${i}`)))

  streams[0]!.destroy()
  await waitFor('a place', async () => (await hub.metric('piazza_streams')) === 224)
  const late = await openStream(hub.port, '/channels/a?last=1')
  await late.waitForMessages(1)
}, 60_000)
