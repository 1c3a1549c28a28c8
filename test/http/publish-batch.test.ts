import { describe, expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { expectCoded } from './expect-coded.ts'
import { readStored, readUpToMarker } from './read-stored.ts'

const ID = /^[a-z0-9-]{1,64}$/

function items(count: number) {
  return Array.from({ length: count }, (_, n) => ({ channel: 'a', data: `m${n}` }))
}

describe('the size of a batch', () => {
  test.each([1, 1000])('%i messages are stored in order', async (count) => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    const answer = await hub.publish(items(count))
    expect(answer.status).toBe(201)
    const ids: string[] = answer.json.results.map((result: { id: string }) => result.id)
    for (const [n, id] of ids.entries()) expect(id > (ids[n - 1] ?? '')).toBe(true)
    expect(await readUpToMarker(hub, stream, 'a')).toEqual(items(count).map(({ data }) => data))
    expect(stream.messages.slice(0, count).map((message) => message.id)).toEqual(ids)
  })

  test.each([0, 1001])('%i messages are refused', async (count) => {
    const hub = await startHub()
    expect(expectCoded(await hub.publish(items(count)), 400).message).toMatch(/1000/)
    expect(await readStored(hub, 'a')).toEqual([])
  })
})

describe('the results of a batch', () => {
  test('each result is what the single answer would be', async () => {
    const hub = await startHub()
    const first = await hub.publish({ channel: 'a', data: 'x', idempotencyKey: 'k' })
    const answer = await hub.publish([
      { channel: 'a', data: 'one' },
      { channels: ['b', 'c', 'b'], data: 'two', event: 'x' },
      { channel: 'a', data: 'typing', ephemeral: true },
      { channel: 'a', data: 'x', idempotencyKey: 'k' },
      { channel: 'd', data: 'bye', end: true },
    ])
    expect(answer.status, answer.text).toBe(201)
    expect(answer.json).toEqual({
      results: [
        { id: expect.stringMatching(ID), channels: ['a'] },
        { id: expect.stringMatching(ID), channels: ['b', 'c'] },
        { channels: ['a'] },
        { id: first.json.id, channels: ['a'], duplicate: true },
        { id: expect.stringMatching(ID), channels: ['d'] },
      ],
    })
    expect(await readStored(hub, 'a')).toEqual(['x', 'one'])
  })

  test('a key that is repeated within a batch stores one message', async () => {
    const hub = await startHub()
    const item = { channel: 'a', data: 'x', idempotencyKey: 'k' }
    const answer = await hub.publish([item, item])
    expect(answer.status).toBe(201)
    const [one, two] = answer.json.results
    expect(two).toEqual({ ...one, duplicate: true })
    expect(await readStored(hub, 'a')).toEqual(['x'])
  })

  test('a batch that is sent again with its keys stores what was missing', async () => {
    const hub = await startHub()
    const keyed = items(10).map(({ channel, data }) => ({ channel, data, idempotencyKey: data }))
    const first = await hub.publish(keyed.slice(0, 4))
    const whole = await hub.publish(keyed)
    expect(whole.status).toBe(201)
    expect(whole.json.results.slice(0, 4)).toEqual(
      first.json.results.map(({ id }: { id: string }) => ({
        id,
        channels: ['a'],
        duplicate: true,
      })),
    )
    expect(await readStored(hub, 'a')).toEqual(keyed.map(({ data }) => data))
  })

  test('an item that cannot be stored is an error in its place, and the others are stored', async () => {
    const hub = await startHub()
    await hub.send('over', 'bye', { end: true })
    const answer = await hub.publish([
      { channel: 'a', data: 'one' },
      { channel: 'over', data: 'late' },
      { channels: ['a', 'over'], data: 'late too' },
      { channel: 'a', data: 'two' },
    ])
    expect(answer.status).toBe(409)
    const error = {
      statusCode: 409,
      code: expect.stringMatching(/^PIAZZA_ERR_/),
      message: expect.stringContaining('over'),
    }
    expect(answer.json).toEqual({
      results: [
        { id: expect.stringMatching(ID), channels: ['a'] },
        { error },
        { error },
        { id: expect.stringMatching(ID), channels: ['a'] },
      ],
    })
    expect(await readStored(hub, 'a')).toEqual(['one', 'two'])
  })

  test('the status of the whole is that of its first error', async () => {
    const hub = await startHub()
    await hub.send('over', 'bye', { end: true })
    await hub.send('a', 'x', { idempotencyKey: 'k' })
    const ended = { channel: 'over', data: 'late' }
    const reused = { channel: 'a', data: 'other', idempotencyKey: 'k' }
    const statuses = async (batch: object[]) => {
      const answer = await hub.publish(batch)
      const inside = answer.json.results.map(
        (result: { error?: { statusCode: number } }) => result.error?.statusCode ?? 0,
      )
      return [answer.status, ...inside]
    }
    expect(await statuses([{ channel: 'a', data: 1 }, reused, ended])).toEqual([422, 0, 422, 409])
    expect(await statuses([ended, reused, { channel: 'a', data: 2 }])).toEqual([409, 409, 422, 0])
  })

  test('an end within a batch ends the channel for the items behind it', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    const answer = await hub.publish([
      { channel: 'a', data: 'one' },
      { channel: 'a', data: 'bye', end: true },
      { channel: 'a', data: 'late' },
    ])
    expect(answer.status).toBe(409)
    expect(answer.json.results[2]).toEqual({
      error: { statusCode: 409, code: expect.any(String), message: expect.any(String) },
    })
    await stream.waitForClose()
    expect(stream.messages.map((message) => message.data)).toEqual(['one', 'bye'])
  })

  test('ephemeral items keep their place among the stored ones', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    await hub.publish([
      { channel: 'a', data: '1' },
      { channel: 'a', data: '2', ephemeral: true },
      { channel: 'a', data: '3' },
    ])
    await stream.waitForMessages(3)
    expect(stream.messages.map((message) => message.data)).toEqual(['1', '2', '3'])
  })
})

describe('one bad item refuses the whole batch, naming its index', () => {
  test('whatever is bad about it', async () => {
    const bads: [string, unknown][] = [
      ['no data', { channel: 'a' }],
      ['no channel', { data: 'x' }],
      ['both channel and channels', { channel: 'a', channels: ['a'], data: 'x' }],
      ['a bad name', { channel: 'a..b', data: 'x' }],
      ['a bad event', { channel: 'a', data: 'x', event: 'piazza.open' }],
      ['a bad retry', { channel: 'a', data: 'x', retry: 1 }],
      ['an unknown field', { channel: 'a', data: 'x', colour: 'red' }],
      ['ephemeral with end', { channel: 'a', data: 'x', ephemeral: true, end: true }],
      ['ephemeral with a key', { channel: 'a', data: 'x', ephemeral: true, idempotencyKey: 'k' }],
      ['a text', 'x'],
      ['a number', 7],
      ['null', null],
      ['a batch', [{ channel: 'a', data: 'x' }]],
    ]
    const hub = await startHub()
    for (const [what, bad] of bads) {
      const answer = await hub.publish([...items(37), bad, ...items(2)])
      const { message } = expectCoded(answer, 400, what)
      expect.soft(message).toMatch(/\b37\b/)
      if (what === 'an unknown field') expect.soft(message).toContain('colour')
    }
    expect(await readStored(hub, 'a')).toEqual([])
  })

  test('data over the limit', async () => {
    const hub = await startHub({ PIAZZA_MAX_MESSAGE_BYTES: '1KiB' })
    const answer = await hub.publish([...items(37), { channel: 'a', data: 'x'.repeat(1025) }])
    expect(expectCoded(answer, 413).message).toMatch(/\b37\b/)
    expect(await readStored(hub, 'a')).toEqual([])
  })
})
