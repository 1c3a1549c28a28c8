import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { gapsOf, idsOf, openingId, textsOf } from '../support/position.ts'
import { openStream, type RawStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'

/** "At once", with slack for a busy machine. */
const AT_ONCE_MS = 1000

const ORIGIN = 'https://app.example'

/** A subscribe that is to be answered `204`: for good, for this browser only. */
async function expectStopped(hub: TestHub, path: string, id?: string): Promise<void> {
  const headers: Record<string, string> = id === undefined ? {} : { 'Last-Event-ID': id }
  const answer = await request(hub.port, 'GET', path, { Origin: ORIGIN, ...headers })
  expect(answer.status, path).toBe(204)
  expect(answer.text).toBe('')
  expect(answer.headers['cache-control']).toMatch(/no-store/)
}

function expectWholeAndClosed(stream: RawStream): void {
  expect(stream.isComplete).toBe(true)
  expect(stream.body.endsWith('\n\n')).toBe(true)
  expect(stream.raw.endsWith('\r\n0\r\n\r\n')).toBe(true)
}

/** The events after the opening block: type, or data of an untyped one. */
const storyOf = (stream: RawStream) =>
  stream.events.slice(1).map((event) => (event.event ? `${event.event} ${event.data}` : event.data))

const endOf = (channel: string) => `piazza.end {"channel":"${channel}"}`

async function startEnded(channel = 'a'): Promise<{ hub: TestHub; ids: string[] }> {
  const hub = await startHub({ PIAZZA_CORS_ORIGINS: ORIGIN })
  const ids = [
    await hub.send(channel, '1'),
    await hub.send(channel, '2'),
    await hub.send(channel, 'over', { end: true }),
  ]
  return { hub, ids }
}

describe('an end', () => {
  test.each(['1.1', '1.0'] as const)(
    'closes the streams after its message (HTTP/%s)',
    async (version) => {
      const hub = await startHub()
      const stream = await openStream(hub.port, '/channels/a', { version })
      await stream.waitForEvents(1)
      await hub.send('a', 'more')
      const id = await hub.send('a', 'over', { event: 'bye', end: true })
      await stream.waitForClose()
      expect(storyOf(stream)).toEqual(['more', 'bye over'])
      expect(stream.body.endsWith(`event: bye\ndata: over\nid: ${id}\n\n`)).toBe(true)
      if (version === '1.1') expectWholeAndClosed(stream)
      await waitFor(
        'the stream to be counted off',
        async () => (await hub.metric('piazza_streams')) === 0,
      )
    },
  )

  test('answers 204 to a reconnect at or after it, and to a first subscribe', async () => {
    const { hub, ids } = await startEnded()
    const later = await hub.send('b', 'later')
    await expectStopped(hub, '/channels/a', ids[2])
    await expectStopped(hub, `/channels/a?lastEventId=${ids[2]}`)
    await expectStopped(hub, '/channels/a', later)
    await expectStopped(hub, '/channels/a')
    await expectStopped(hub, '/channels/a?control=off')
  })

  test('answers its 204 with the CORS headers', async () => {
    const { hub } = await startEnded()
    const answer = await request(hub.port, 'GET', '/channels/a', { Origin: ORIGIN })
    expect(answer.status).toBe(204)
    expect(answer.headers['access-control-allow-origin']).toBe(ORIGIN)
  })

  test.each([
    ['since=all', ['1', '2', 'over']],
    ['last=1', ['over']],
    ['last=2', ['2', 'over']],
  ])('lets %s replay what it asks for, then closes', async (query, expected) => {
    const { hub, ids } = await startEnded()
    const stream = await openStream(hub.port, `/channels/a?${query}`)
    expect(stream.status).toBe(200)
    await stream.waitForClose()
    expect(storyOf(stream)).toEqual(expected)
    expect(idsOf(stream)).toEqual(ids.slice(-expected.length))
    expectWholeAndClosed(stream)
  })

  test('lets a resume from before it have the rest, then closes', async () => {
    const { hub, ids } = await startEnded()
    const stream = await openStream(hub.port, `/channels/a?lastEventId=${ids[0]}`)
    await stream.waitForClose()
    expect(storyOf(stream)).toEqual(['2', 'over'])
    expectWholeAndClosed(stream)
  })

  test('stops a reconnect with a bad id after the gap, not for ever waiting', async () => {
    const { hub } = await startEnded()
    const stream = await openStream(hub.port, '/channels/a?lastEventId=garbage')
    expect(stream.status).toBe(200)
    await stream.waitForClose()
    expect(gapsOf(stream)).toMatchObject([{ reason: 'unknown' }])
    expectWholeAndClosed(stream)
    await expectStopped(hub, '/channels/a', await openingId(stream))
  })

  test('refuses what is published after it with 409, also to a list, which stores nothing', async () => {
    const { hub } = await startEnded()
    const live = await openStream(hub.port, '/channels/b')
    await live.waitForEvents(1)
    expect((await hub.publish({ channel: 'a', data: 'x' })).status).toBe(409)
    expect((await hub.publish({ channel: 'a', data: 'x', end: true })).status).toBe(409)
    expect((await hub.publish({ channels: ['b', 'a'], data: 'x' })).status).toBe(409)
    await hub.send('b', 'sentinel')
    await live.waitForMessages(1)
    expect(textsOf(live)).toEqual(['sentinel'])
  })

  test('in a message to several channels ends them all', async () => {
    const hub = await startHub()
    const one = await openStream(hub.port, '/channels/a')
    const both = await openStream(hub.port, '/channels/a,b')
    await Promise.all([one.waitForEvents(1), both.waitForEvents(1)])
    await hub.publish({ channels: ['a', 'b'], data: 'over', end: true })
    await Promise.all([one.waitForClose(), both.waitForClose()])
    expect(storyOf(one)).toEqual(['over'])
    expect(storyOf(both)[0]).toBe('over')
    expect(storyOf(both).slice(1).toSorted()).toEqual([endOf('a'), endOf('b')])
    await expectStopped(hub, '/channels/b,a')
  })
})

describe('a stream of several channels', () => {
  test('is told each end, and closes when all have ended', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a,b')
    await stream.waitForEvents(1)
    await hub.send('a', 'a over', { end: true })
    await stream.waitForEvents(3)
    await hub.send('b', 'b goes on')
    await stream.waitForEvents(4)
    expect(stream.isClosed).toBe(false)
    await hub.send('b', 'b over', { end: true })
    await stream.waitForClose()
    expect(storyOf(stream)).toEqual(['a over', endOf('a'), 'b goes on', 'b over', endOf('b')])
    expect(stream.control('end').every((event) => event.id === undefined)).toBe(true)
    expectWholeAndClosed(stream)
    await expectStopped(hub, '/channels/a,b')
    await expectStopped(hub, '/channels/a,b', idsOf(stream).at(-1))
  })

  test('is told at once of those that had ended before', async () => {
    const { hub } = await startEnded()
    const stream = await openStream(hub.port, '/channels/a,b')
    await stream.waitForEvents(2, AT_ONCE_MS)
    await hub.send('b', 'live')
    await stream.waitForMessages(1)
    expect(storyOf(stream)).toEqual([endOf('a'), 'live'])
  })

  test('is replayed all of each, and told each end', async () => {
    const { hub, ids } = await startEnded()
    await hub.send('b', 'b1')
    const whole = await openStream(hub.port, '/channels/a,b?since=all')
    const rest = await openStream(hub.port, `/channels/b,a?lastEventId=${ids[1]}`)
    await Promise.all([whole.waitForEvents(6), rest.waitForEvents(4)])
    for (const stream of [whole, rest]) {
      const story = storyOf(stream)
      expect(story.indexOf(endOf('a'))).toBeGreaterThan(story.indexOf('over'))
      expect(stream.isClosed).toBe(false)
    }
    expect(textsOf(whole)).toEqual(['1', '2', 'over', 'b1'])
    expect(textsOf(rest)).toEqual(['over', 'b1'])
    await hub.send('b', 'b over', { end: true })
    await Promise.all([whole.waitForClose(), rest.waitForClose()])
    expect(storyOf(whole).slice(-2)).toEqual(['b over', endOf('b')])
    const late = await openStream(hub.port, '/channels/a,b?since=all')
    await late.waitForClose()
    expect(textsOf(late)).toEqual(['1', '2', 'over', 'b1', 'b over'])
    expect(late.control('end')).toHaveLength(2)
    expectWholeAndClosed(late)
  })
})

const remove = (hub: TestHub, name: string) => request(hub.port, 'DELETE', `/channels/${name}`)

describe('DELETE', () => {
  test('answers 204, whether the channel existed or not', async () => {
    const hub = await startHub()
    await hub.send('a', 'x')
    for (const name of ['a', 'a', 'never']) expect((await remove(hub, name)).status).toBe(204)
  })

  test('takes any content type and body, which mean nothing', async () => {
    const hub = await startHub()
    for (const type of ['application/json', 'text/plain', 'nonsense', undefined]) {
      for (const body of ['', '{}', '{']) {
        const headers: Record<string, string> = { 'Content-Length': `${body.length}` }
        if (type !== undefined) headers['Content-Type'] = type
        const answer = await request(hub.port, 'DELETE', '/channels/a', headers, body)
        expect.soft(answer.status, `${type} ${body}`).toBe(204)
      }
    }
  })

  test('closes a stream of the channel with the reason and an id', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    await stream.waitForEvents(1)
    const id = await hub.send('a', 'x')
    await remove(hub, 'a')
    await stream.waitForClose()
    expect(storyOf(stream)).toEqual(['x', 'piazza.close {"reason":"deleted"}'])
    const closeId = stream.control('close')[0]!.id!
    expect(closeId >= id).toBe(true)
    expectWholeAndClosed(stream)
    const line = 'piazza_streams_closed_total{reason="deleted"}'
    await waitFor('it to be counted', async () => (await hub.metric(line)) === 1, 3000)
    await expectStopped(hub, '/channels/a', closeId)
  })

  test('is told as an end to a stream of several channels, which goes on', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a,b')
    await stream.waitForEvents(1)
    await remove(hub, 'a')
    await stream.waitForEvents(2)
    await hub.send('b', 'live')
    await stream.waitForEvents(3)
    expect(storyOf(stream)).toEqual([endOf('a'), 'live'])
    await remove(hub, 'b')
    await stream.waitForClose()
    expect(storyOf(stream)[2]).toBe(endOf('b'))
    expectWholeAndClosed(stream)
    const later = await openStream(hub.port, '/channels/a,c')
    await later.waitForEvents(2, AT_ONCE_MS)
    expect(storyOf(later)).toEqual([endOf('a')])
  })

  test('drops the log; subscribes get 204 and publishes 409 for a while', async () => {
    const hub = await startHub({ PIAZZA_CORS_ORIGINS: ORIGIN })
    const id = await hub.send('a', 'x')
    await hub.send('a', 'y')
    await remove(hub, 'a')
    await expectStopped(hub, '/channels/a')
    await expectStopped(hub, '/channels/a?since=all')
    await expectStopped(hub, '/channels/a?last=1')
    await expectStopped(hub, '/channels/a', id)
    expect((await hub.publish({ channel: 'a', data: 'z' })).status).toBe(409)
    expect((await hub.publish({ channels: ['b', 'a'], data: 'z' })).status).toBe(409)
    await remove(hub, 'never')
    await expectStopped(hub, '/channels/never')
  })

  test('of a channel that had ended is not told as a second end', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a,b')
    await stream.waitForEvents(1)
    await hub.send('a', 'over', { end: true })
    await stream.waitForEvents(3)
    await remove(hub, 'a')
    await remove(hub, 'a')
    await hub.send('b', 'live')
    await waitFor('the live one', () => textsOf(stream).includes('live'))
    expect(storyOf(stream)).toEqual(['over', endOf('a'), 'live'])
  })

  test('of an ended channel drops its log too', async () => {
    const { hub } = await startEnded()
    expect((await remove(hub, 'a')).status).toBe(204)
    await expectStopped(hub, '/channels/a?since=all')
  })
})

describe('the maximal age of a stream', () => {
  test('closes it with reason, retry and position, whole blocks only', async () => {
    const hub = await startHub({ PIAZZA_STREAM_MAX_AGE: '1s' })
    const openedMs = performance.now()
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => openStream(hub.port, '/channels/a')),
    )
    await Promise.all(streams.map((stream) => stream.waitForEvents(1)))
    const id = await hub.send('a', 'x')
    await Promise.all(streams.map((stream) => stream.waitForClose(3000)))
    expect(performance.now() - openedMs).toBeGreaterThan(700)
    for (const stream of streams) {
      expect(storyOf(stream)).toEqual(['x', 'piazza.close {"reason":"max-age"}'])
      expect(stream.body).toMatch(
        /\n\nevent: piazza\.close\nretry: \d+\ndata: \{"reason":"max-age"\}\nid: [a-z0-9-]+\n\n$/,
      )
      expect(stream.control('close')[0]!.id! >= id).toBe(true)
      expectWholeAndClosed(stream)
    }
    expect(new Set(streams.map((stream) => stream.retry)).size).toBeGreaterThan(10)
    const line = 'piazza_streams_closed_total{reason="max-age"}'
    await waitFor('all to be counted', async () => (await hub.metric(line)) === 20, 3000)
  })

  test('costs a reconnecting client no message, and brings it none twice', async () => {
    const hub = await startHub({ PIAZZA_STREAM_MAX_AGE: '1s' })
    const sent: string[] = []
    const got: string[] = []
    const publish = async () => {
      sent.push(await hub.send('a', sent.length))
    }
    let stream = await openStream(hub.port, '/channels/a')
    await openingId(stream)
    for (let i = 0; i < 2; i += 1) {
      const current = stream
      await waitFor(
        'the close',
        async () => {
          await publish()
          return current.isClosed
        },
        3000,
      )
      got.push(...idsOf(current))
      await publish()
      stream = await openStream(hub.port, '/channels/a', {
        headers: { 'Last-Event-ID': current.control('close')[0]!.id! },
      })
    }
    await publish()
    await waitFor('the last message', () => idsOf(stream).at(-1) === sent.at(-1))
    expect([...got, ...idsOf(stream)]).toEqual(sent)
    expect(gapsOf(stream)).toEqual([])
  })
})
