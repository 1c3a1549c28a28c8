import { describe, expect, test } from 'vitest'
import { startHub, type TestHub } from '../support/hub.ts'
import { expectCoded } from './expect-coded.ts'
import { readStored } from './read-stored.ts'
import { exchange, request } from './request.ts'

const MIB = 1024 * 1024
const small = { PIAZZA_MAX_MESSAGE_BYTES: '1KiB', PIAZZA_MAX_BODY_BYTES: '4KiB' }

function batch(data: string): string {
  return JSON.stringify(Array.from({ length: 4 }, () => ({ channel: 'a', data })))
}

function post(hub: TestHub, body: string) {
  return request(hub.port, 'POST', '/channels/a', { body })
}

describe('data over PIAZZA_MAX_MESSAGE_BYTES is 413, up to it is stored', () => {
  test('in bytes of UTF-8, as it is sent', async () => {
    const cases: [string, unknown, unknown][] = [
      ['a string', 'x'.repeat(1024), 'x'.repeat(1025)],
      ['a string of wide characters', 'é'.repeat(512), `${'é'.repeat(512)}x`],
      ['a string of escapes', '\n'.repeat(1024), '\n'.repeat(1025)],
      ['an object', { a: 'x'.repeat(1016) }, { a: 'x'.repeat(1017) }],
      ['a list', Array(511).fill(1), Array(512).fill(1)],
    ]
    const hub = await startHub(small)
    for (const [what, fits, exceeds] of cases) {
      expect.soft((await hub.publish({ channel: 'a', data: fits })).status, what).toBe(201)
      for (const ephemeral of [false, true]) {
        const answer = await hub.publish({ channel: 'a', data: exceeds, ephemeral })
        expect.soft(expectCoded(answer, 413, what).message).toMatch(/1024|1 ?KiB/)
      }
    }
    expect(await readStored(hub, 'a')).toHaveLength(cases.length)
  })

  test('on the raw route', async () => {
    const hub = await startHub(small)
    expect((await post(hub, 'x'.repeat(1024))).status).toBe(201)
    expectCoded(await post(hub, 'x'.repeat(1025)), 413)
    expect(await readStored(hub, 'a')).toHaveLength(1)
  })

  test('1 MiB is the default', async () => {
    const hub = await startHub()
    expect((await post(hub, 'x'.repeat(MIB))).status).toBe(201)
    expectCoded(await post(hub, 'x'.repeat(MIB + 1)), 413)
    expect((await hub.publish({ channel: 'a', data: 'x'.repeat(MIB) })).status).toBe(201)
    expectCoded(await hub.publish({ channel: 'a', data: 'x'.repeat(MIB + 1) }), 413)
  })
})

describe('a body over PIAZZA_MAX_BODY_BYTES is 413', () => {
  test('and up to it is stored', async () => {
    const hub = await startHub(small)
    const overheadBytes = batch('').length
    const fits = batch('x'.repeat(Math.floor((4096 - overheadBytes) / 4)))
    expect((await hub.publish(fits.padEnd(4096))).status).toBe(201)
    expectCoded(await hub.publish(fits.padEnd(4097)), 413)
    expectCoded(await post(hub, 'x'.repeat(4097)), 413)
  })

  test('which says what the limit is', async () => {
    const hub = await startHub(small)
    expect(expectCoded(await hub.publish(' '.repeat(4097)), 413).message).toMatch(/4096|4 ?KiB/)
    expect(expectCoded(await post(hub, 'x'.repeat(4097)), 413).message).toMatch(/4096|4 ?KiB/)
  })

  test('in chunks, without a length', async () => {
    const hub = await startHub(small)
    for (const path of ['/publish', '/channels/a']) {
      const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`
      const chunk = `400\r\n${' '.repeat(1024)}\r\n`
      const [answer] = await exchange(
        hub.port,
        `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}0\r\n\r\n`,
      )
      expectCoded(answer!, 413, path)
    }
  })

  test('at once, if the length that is announced is too much', async () => {
    const hub = await startHub(small)
    const headers = { 'Content-Type': 'application/json', 'Content-Length': '1000000000' }
    expectCoded(await request(hub.port, 'POST', '/publish', { headers }), 413)
    expectCoded(await request(hub.port, 'POST', '/channels/a', { headers }), 413)
  })

  test('and is not waited for from those who may not publish', async () => {
    const hub = await startHub({
      PIAZZA_PUBLISH_KEYS: 'x'.repeat(16),
      PIAZZA_ANONYMOUS: 'subscribe',
    })
    const headers = { 'Content-Type': 'application/json', 'Content-Length': '1000' }
    expectCoded(await request(hub.port, 'POST', '/publish', { headers }), 401)
    expectCoded(await request(hub.port, 'POST', '/channels/a', { headers }), 401)
  })

  test('8 MiB is the default', async () => {
    const hub = await startHub()
    const body = batch('x')
    expect((await hub.publish(body.padEnd(8 * MIB))).status).toBe(201)
    const headers = { 'Content-Type': 'application/json', 'Content-Length': String(8 * MIB + 1) }
    expectCoded(await request(hub.port, 'POST', '/publish', { headers }), 413)
  })
})

describe('data times channels of one request over 16 MiB is 413', () => {
  const data = 'x'.repeat(MIB)
  const item = (count: number) => ({
    channels: Array.from({ length: count }, (_, n) => `c${n}`),
    data,
  })

  test('in one message', async () => {
    const hub = await startHub()
    expectCoded(await hub.publish(item(17)), 413)
    expectCoded(await hub.publish({ ...item(17), ephemeral: true }), 413)
    expect(await readStored(hub, 'c0')).toEqual([])
    expect((await hub.publish(item(16))).status).toBe(201)
  })

  test('in a batch together', async () => {
    const hub = await startHub()
    expectCoded(await hub.publish([item(6), item(6), item(5)]), 413)
    expect(await readStored(hub, 'c0')).toEqual([])
    expect((await hub.publish([item(6), item(6), item(4)])).status).toBe(201)
  })

  test('repeated names count once', async () => {
    const hub = await startHub()
    const answer = await hub.publish({ channels: Array(100).fill('c'), data })
    expect(answer.status).toBe(201)
  })
})
