import { expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { gapsOf, isRising, lastIdOf, openingId, shiftId, textsOf } from '../support/position.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'

const LOG_MAX_AGE_MS = 2000
const REFRESH_MS = LOG_MAX_AGE_MS / 4

test('a quiet stream is sent its position often enough to resume without a gap', async () => {
  const hub = await startHub({ PIAZZA_LOG_MAX_AGE: '2s' })
  await hub.send('quiet', 'once')
  const quiet = await openStream(hub.port, '/channels/quiet,never')
  const filtered = await openStream(hub.port, '/channels/noise?events=rare')
  const silent = await openStream(hub.port, '/channels/quiet?control=off')
  await Promise.all([quiet.waitForEvents(1), filtered.waitForEvents(1)])
  const opened = await openingId(quiet)
  await waitFor('the first refresh', () => quiet.events.length > 1, REFRESH_MS * 3)
  // What others publish and the log forgets must not cost this stream its proof.
  const startedMs = performance.now()
  let count = 0
  await waitFor(
    'the age of the log to pass',
    async () => {
      await hub.send('noise', 'x')
      await hub.send(`brief.${(count += 1)}`, 'x')
      return performance.now() - startedMs > LOG_MAX_AGE_MS * 1.5
    },
    LOG_MAX_AGE_MS * 6,
  )

  for (const stream of [quiet, filtered]) {
    const refreshes = stream.control('position')
    expect(refreshes.length).toBeGreaterThanOrEqual(3)
    expect(refreshes.length).toBeLessThanOrEqual(12)
    expect(refreshes.every((event) => event.data === '{}')).toBe(true)
    expect(isRising(stream.events.map((event) => event.id!))).toBe(true)
    expect(stream.body).toContain('\n\nevent: piazza.position\ndata: {}\nid: ')
  }
  expect(quiet.messages).toEqual([])
  expect(silent.events).toEqual([])
  expect(silent.body).toMatch(/^:\nretry: \d+\n$/)

  const position = lastIdOf(quiet)
  quiet.close()
  await hub.send('quiet', 'meanwhile')
  const again = await openStream(hub.port, `/channels/quiet,never?lastEventId=${position}`)
  await again.waitForMessages(1)
  expect(textsOf(again)).toEqual(['meanwhile'])
  expect(gapsOf(again)).toEqual([])
  expect(position > opened).toBe(true)

  const filteredAgain = await openStream(
    hub.port,
    `/channels/noise?events=rare&lastEventId=${lastIdOf(filtered)}`,
  )
  await filteredAgain.waitForEvents(1)
  await hub.send('noise', 'seen', { event: 'rare' })
  await filteredAgain.waitForMessages(1)
  expect(gapsOf(filteredAgain)).toEqual([])
})

test('a stream that is sent ids gets no positions besides', async () => {
  const hub = await startHub({ PIAZZA_LOG_MAX_AGE: '6s' })
  const busy = await openStream(hub.port, '/channels/busy')
  const quiet = await openStream(hub.port, '/channels/quiet')
  await Promise.all([busy.waitForEvents(1), quiet.waitForEvents(1)])
  await waitFor(
    'the quiet stream to be refreshed',
    async () => {
      await hub.send('busy', 'x')
      return quiet.control('position').length > 0
    },
    4500,
  )
  expect(busy.control('position')).toEqual([])
})

test('control=off still tells a gap, with its id', async () => {
  const hub = await startHub({ PIAZZA_LOG_MAX_MESSAGES: '5' })
  const ids: string[] = []
  for (let i = 0; i < 10; i += 1) ids.push(await hub.send('a', `${i}`))
  const resume = (channel: string, id: string) =>
    openStream(hub.port, `/channels/${channel}?control=off&lastEventId=${id}`)

  const evicted = await resume('a', ids[0]!)
  await evicted.waitForMessages(5)
  expect(evicted.events[0]?.event).toBe('piazza.gap')
  expect(evicted.events[0]?.id).toBe(shiftId(ids[5]!, -1))

  for (const bad of ['garbage', '00000000001']) {
    const stream = await resume('b', bad)
    await waitFor('the gap', () => gapsOf(stream).length === 1)
    expect(stream.events[0]?.event).toBe('piazza.gap')
    const again = await resume('b', stream.events[0]!.id!)
    const id = await hub.send('b', bad)
    await waitFor('the next message', () => again.messages.at(-1)?.id === id)
    expect(gapsOf(again)).toEqual([])
  }
})
