import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { expectCoded } from './expect-coded.ts'
import { readStored, readUpToMarker } from './read-stored.ts'

const message = { channel: 'a', data: { n: 1 }, event: 'x', retry: 500, idempotencyKey: 'k1' }

async function publishFirst(hub: TestHub, body: object = message): Promise<string> {
  const answer = await hub.publish(body)
  expect(answer.status, answer.text).toBe(201)
  expect(answer.json.duplicate).toBeUndefined()
  return answer.json.id as string
}

describe('a repeated key', () => {
  test('answers 200 with the first id and stores nothing', async () => {
    const hub = await startHub()
    const stream = await openStream(hub.port, '/channels/a')
    const id = await publishFirst(hub)
    await hub.send('a', 'between')
    for (const _ of [1, 2]) {
      const answer = await hub.publish(message)
      expect(answer.status).toBe(200)
      expect(answer.json).toEqual({ id, channels: ['a'], duplicate: true })
    }
    expect(await readUpToMarker(hub, stream, 'a')).toEqual(['{"n":1}', 'between'])
    expect(await readStored(hub, 'a')).toEqual(['{"n":1}', 'between'])
  })

  test('is the same in the header as in the body', async () => {
    const hub = await startHub()
    const { idempotencyKey, ...bare } = message
    const first = await hub.publish(bare, { 'idempotency-key': idempotencyKey })
    expect(first.status).toBe(201)
    const again = await hub.publish(message)
    expect(again.status).toBe(200)
    expect(again.json).toEqual({ ...first.json, duplicate: true })
  })

  test('may stand in both places if it is the same', async () => {
    const hub = await startHub()
    expect((await hub.publish(message, { 'idempotency-key': 'k1' })).status).toBe(201)
    const answer = await hub.publish(
      { ...message, idempotencyKey: 'k2' },
      { 'idempotency-key': 'k' },
    )
    expectCoded(answer, 400)
    expect(await readStored(hub, 'a')).toEqual(['{"n":1}'])
  })

  test('knows the same content in another spelling', async () => {
    const hub = await startHub()
    const id = await publishFirst(hub)
    const answer = await hub.publish(
      '{ "idempotencyKey": "k1", "retry": 500, "event": "x", "data": { "n": 1.0 }, "channels": ["a", "a"] }',
    )
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json).toMatchObject({ id, duplicate: true })
  })

  test('with other content is 422 and stores nothing', async () => {
    const others: [string, object][] = [
      ['data', { ...message, data: { n: 2 } }],
      ['channel', { ...message, channel: 'b' }],
      ['channels', { ...message, channel: undefined, channels: ['a', 'b'] }],
      ['event', { ...message, event: 'y' }],
      ['no event', { ...message, event: undefined }],
      ['retry', { ...message, retry: 501 }],
      ['end', { ...message, end: true }],
    ]
    const hub = await startHub()
    await publishFirst(hub)
    for (const [what, other] of others) expectCoded(await hub.publish(other), 422, what)
    expect(await readStored(hub, 'a')).toEqual(['{"n":1}'])
    expect(await readStored(hub, 'b')).toEqual([])
  })

  test('of an end answers 200 with the first id, not 409', async () => {
    const hub = await startHub()
    const end = { channel: 'a', data: 'bye', end: true, idempotencyKey: 'last' }
    const id = await publishFirst(hub, end)
    const answer = await hub.publish(end)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json).toEqual({ id, channels: ['a'], duplicate: true })
  })

  test('of a message before the end answers 200 after it', async () => {
    const hub = await startHub()
    const id = await publishFirst(hub)
    await hub.send('a', 'bye', { end: true })
    const answer = await hub.publish(message)
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json).toMatchObject({ id, duplicate: true })
  })

  test('sent many times at once is stored once, with one id for all', async () => {
    const hub = await startHub()
    const answers = await Promise.all(Array.from({ length: 20 }, () => hub.publish(message)))
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1)
    expect(answers.filter((answer) => answer.json.duplicate === true)).toHaveLength(19)
    expect(new Set(answers.map((answer) => answer.json.id)).size).toBe(1)
    expect(await readStored(hub, 'a')).toEqual(['{"n":1}'])
  })

  test('is one on both routes', async () => {
    const hub = await startHub()
    const post = () =>
      fetch(`${hub.url}/channels/a`, {
        method: 'POST',
        headers: { 'idempotency-key': 'raw' },
        body: 'hello',
      })
    const first = await post()
    expect(first.status).toBe(201)
    const { id } = (await first.json()) as { id: string }
    const again = await post()
    expect(again.status).toBe(200)
    expect(await again.json()).toEqual({ id, channels: ['a'], duplicate: true })
    const other = await hub.publish({ channel: 'a', data: 'other', idempotencyKey: 'raw' })
    expectCoded(other, 422)
  })

  test('is compared byte for byte', async () => {
    const hub = await startHub()
    for (const idempotencyKey of [
      'k',
      'K',
      ' k',
      'k ',
      'é',
      'e\u0301',
      '__proto__',
      'k'.repeat(200),
    ]) {
      await publishFirst(hub, { channel: 'a', data: 'x', idempotencyKey })
    }
    expect(await readStored(hub, 'a')).toHaveLength(8)
  })
})

describe('a refused publish does not use its key up', () => {
  const key = 'once'
  const good = { channel: 'fresh', data: 'good', idempotencyKey: key }

  test('alone', async () => {
    const refusals: [string, number, object][] = [
      ['400', 400, { channel: 'fresh', data: 'x', event: 'error', idempotencyKey: key }],
      ['400 for a name', 400, { channel: 'fresh..x', data: 'x', idempotencyKey: key }],
      ['409', 409, { channel: 'over', data: 'x', idempotencyKey: key }],
      ['409 in a list', 409, { channels: ['fresh', 'over'], data: 'x', idempotencyKey: key }],
      ['413', 413, { channel: 'fresh', data: 'x'.repeat(1025), idempotencyKey: key }],
    ]
    const hub = await startHub({ PIAZZA_MAX_MESSAGE_BYTES: '1KiB' })
    await hub.send('over', 'bye', { end: true })
    for (const [what, status, refused] of refusals) {
      expectCoded(await hub.publish(refused), status, what)
    }
    await publishFirst(hub, good)
    expect(await readStored(hub, 'fresh')).toEqual(['good'])
  })

  test('in a batch that was refused as a whole, or in one item', async () => {
    const hub = await startHub()
    await hub.send('over', 'bye', { end: true })
    expectCoded(await hub.publish([good, { channel: 'fresh' }]), 400)
    expect((await hub.publish([{ ...good, channel: 'over' }])).status).toBe(409)
    await publishFirst(hub, good)
  })
})

describe('what a key may be', () => {
  test('1 to 200 characters: anything else in the body is refused', async () => {
    const hub = await startHub()
    for (const idempotencyKey of ['', 'k'.repeat(201), 1, null, ['k'], true]) {
      const answer = await hub.publish({ channel: 'a', data: 'x', idempotencyKey })
      expectCoded(answer, 400, JSON.stringify(idempotencyKey))
    }
  })

  test('a header of more than 200 characters is refused, on both routes', async () => {
    const hub = await startHub()
    const headers = { 'idempotency-key': 'k'.repeat(201) }
    expectCoded(await hub.publish({ channel: 'a', data: 'x' }, headers), 400)
    const raw = await fetch(`${hub.url}/channels/a`, { method: 'POST', headers, body: 'x' })
    expectCoded({ status: raw.status, headers: raw.headers, text: await raw.text() }, 400)
  })

  test('the header on a batch is refused', async () => {
    const hub = await startHub()
    const answer = await hub.publish([{ channel: 'a', data: 'x' }], { 'idempotency-key': 'k' })
    expectCoded(answer, 400)
    expect(await readStored(hub, 'a')).toEqual([])
  })
})
