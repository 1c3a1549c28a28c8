import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { waitFor } from '../support/wait.ts'
import { expectCoded } from './expect-coded.ts'
import { request } from './request.ts'

/** Sends this much of something and nothing more; the socket is destroyed with the test. */
function sendPart(port: number, part: string) {
  const socket = connect(port, '127.0.0.1')
  const state = { received: '', isClosed: false, startedMs: performance.now(), closedMs: 0 }
  onTestFinished(() => {
    socket.destroy()
  })
  socket.on('data', (bytes) => {
    state.received += bytes.toString('latin1')
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    state.isClosed = true
    state.closedMs = performance.now() - state.startedMs
  })
  socket.write(part)
  return state
}

const urlOf = (bytes: number) => '/channels/a?x='.padEnd(bytes, 'x')
const withHeader = (bytes: number) => ({ headers: { Big: 'x'.repeat(bytes) } })

describe('an address over PIAZZA_MAX_URL_BYTES is 414', () => {
  test('and up to it is taken', async () => {
    const hub = await startHub({ PIAZZA_MAX_URL_BYTES: '2KiB' })
    expect((await request(hub.port, 'GET', urlOf(2048))).status).toBe(200)
    const { code, message } = expectCoded(await request(hub.port, 'GET', urlOf(2049)), 414)
    expect(code).toBe('PIAZZA_ERR_URL_TOO_LONG')
    expect(message).toContain('2048')
    expectCoded(await request(hub.port, 'POST', urlOf(2049), { body: 'x' }), 414)
    expectCoded(await request(hub.port, 'GET', `/${'x'.repeat(3000)}`), 414)
    expectCoded(await request(hub.port, 'GET', `/channels/${'%'.repeat(2100)}`), 414)
  })

  test('by default 48 KiB, in which 64 names of 200 characters, all escaped, and a token have room', async () => {
    const hub = await startHub()
    const escaped = '%40'.repeat(200)
    const names = Array.from({ length: 64 }, (_, i) => escaped.slice(0, -6) + (i + 10)).join(',')
    const url = `/channels/${names}?token=${'t'.repeat(6144)}`
    expect((await request(hub.port, 'GET', url)).status).toBe(200)
    expectCoded(await request(hub.port, 'GET', urlOf(48 * 1024 + 1)), 414)
  })
})

test('a head over PIAZZA_MAX_HEADER_BYTES is 431', async () => {
  const hub = await startHub({ PIAZZA_MAX_HEADER_BYTES: '4KiB', PIAZZA_MAX_URL_BYTES: '1KiB' })
  expect((await request(hub.port, 'GET', '/livez', withHeader(3900))).status).toBe(200)
  const { message } = expectCoded(await request(hub.port, 'GET', '/livez', withHeader(4200)), 431)
  expect(message).toContain('4096')
})

describe('what does not come in time is cut', () => {
  const HEAD = 'POST /channels/a HTTP/1.1\r\nHost: localhost\r\n'

  test.each([
    ['nothing at all', ''],
    ['half a request line', 'GET /liv'],
    ['a head without its end', HEAD],
  ])('%s, after PIAZZA_HEADER_TIMEOUT', async (_, part) => {
    const hub = await startHub({ PIAZZA_HEADER_TIMEOUT: '1s' })
    const sent = sendPart(hub.port, part)
    await waitFor('the connection to be closed', () => sent.isClosed)
    expect(sent.received).toMatch(/^HTTP\/1\.1 408 /)
    expect(sent.received).toContain('PIAZZA_ERR_REQUEST_TIMEOUT')
    expect(sent.closedMs).toBeGreaterThan(950)
    expect(sent.closedMs).toBeLessThan(4000)
  })

  test('half a body, after PIAZZA_REQUEST_TIMEOUT', async () => {
    const hub = await startHub({ PIAZZA_HEADER_TIMEOUT: '1s', PIAZZA_REQUEST_TIMEOUT: '2s' })
    const sent = sendPart(hub.port, `${HEAD}Content-Length: 10\r\n\r\nhalf`)
    await waitFor('the connection to be closed', () => sent.isClosed)
    expect(sent.received).toMatch(/^HTTP\/1\.1 408 /)
    expect(sent.closedMs).toBeGreaterThan(1950)
    expect(sent.closedMs).toBeLessThan(6000)
  })

  test('the next request of a connection, after PIAZZA_IDLE_TIMEOUT; a stream is none', async () => {
    const hub = await startHub({ PIAZZA_IDLE_TIMEOUT: '1s', PIAZZA_HEADER_TIMEOUT: '1s' })
    const stream = await openStream(hub.port, '/channels/a')
    const idle = sendPart(hub.port, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await waitFor('the connection to be closed', () => idle.isClosed)
    expect(idle.received).toMatch(/^HTTP\/1\.1 200 /)
    expect(idle.received).toMatch(/^keep-alive: timeout=1\r$/im)
    expect(idle.closedMs).toBeGreaterThan(950)
    expect(idle.closedMs).toBeLessThan(5000)
    expect(stream.isClosed).toBe(false)
    await hub.send('a', 'hello')
    await stream.waitForMessages(1)
  })
})
