import { type Socket } from 'node:net'
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
  // Thirty publishers at once still find a file each: 32 of the 75 are the hub's own.
  await Promise.all(Array.from({ length: 30 }, (_, i) => hub.send('a', `${i}`)))

  // Nor does a crowd outside hold the files that are left: it is larger than they are many.
  const crowd: Socket[] = []
  while (crowd.length < 100) crowd.push(...(await openIdleStreams(hub.port, 10)))
  await Promise.all(Array.from({ length: 15 }, (_, i) => hub.send('a', `meanwhile ${i}`)))
  expect(await hub.metric('piazza_streams')).toBe(225)
  await waitFor('the crowd to be let go', () => crowd.every(({ closed }) => closed), 20_000)
  await Promise.all(Array.from({ length: 30 }, (_, i) => hub.send('a', `again ${i}`)))

  streams[0]!.destroy()
  await waitFor('a place', async () => (await hub.metric('piazza_streams')) === 224)
  const late = await openStream(hub.port, '/channels/a?last=1')
  await late.waitForMessages(1)
}, 60_000)

const tooMany = (log: readonly string[]) =>
  log.filter((line) => line.includes('PIAZZA_MAX_STREAMS is more than'))

test('a limit of streams beyond the limit of files is taken, and warned of', async () => {
  const hub = await startHubProcess({ PIAZZA_MAX_STREAMS: '226' }, { fileLimit: 300 })
  const [line, ...others] = tooMany(hub.log)
  expect(others).toEqual([])
  const warning = JSON.parse(line!) as Record<string, unknown>
  expect(warning).toMatchObject({ level: 40, configuredStreams: 226, fittingStreams: 225 })
  expect(warning['advice']).toMatch(/ulimit -n.*LimitNOFILE/)
  expect(hub.log.some((other) => other.includes('"maxStreams":226'))).toBe(true)
})

test('a limit of streams that the files allow is not warned of', async () => {
  const hub = await startHubProcess({ PIAZZA_MAX_STREAMS: '225' }, { fileLimit: 300 })
  expect(tooMany(hub.log)).toEqual([])
})
