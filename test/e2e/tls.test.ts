import { createHash } from 'node:crypto'
import tls from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect } from '../support/connect.ts'
import { gapsOf, idsOf, lastIdOf, textsOf } from '../support/position.ts'
import { request } from '../support/request.ts'
import { startTlsHub } from '../support/tls-hub.ts'
import { waitFor } from '../support/wait.ts'

const MIB = 1024 ** 2
const MB = 1_000_000

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')

/** Different bytes all through, so that what is lost or turned round shows. */
function bigText(seed: number): string {
  return Array.from({ length: MIB / 64 }, (_, i) => hashOf(`${seed}-${i}`)).join('')
}

/** A message that tells its number. */
const megabyteOf = (n: number) => `${n} `.padEnd(MB, '.')

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('over TLS', () => {
  test('messages of 1 MiB are published, come whole, and are resumed', async () => {
    const { hub, open } = await startTlsHub({ PIAZZA_LOG_MAX_BYTES: '64MiB' })
    const live = await open('/channels/big')
    await live.waitForEvents(1)
    const texts = range(1, 5).map(bigText)
    for (const text of texts) await hub.send('big', text)
    await live.waitForMessages(5)
    expect(textsOf(live).map(hashOf)).toEqual(texts.map(hashOf))
    const resumed = await open('/channels/big', { headers: { 'Last-Event-ID': idsOf(live)[1]! } })
    await resumed.waitForMessages(3)
    expect(textsOf(resumed).map(hashOf)).toEqual(texts.slice(2).map(hashOf))
    expect(gapsOf(resumed)).toEqual([])
    expect(await hub.metric('piazza_streams_attached')).toBe(0)
  })

  test('thousands of small messages in one turn come in order, once', async () => {
    const { hub, open } = await startTlsHub()
    const live = await open('/channels/a')
    await live.waitForEvents(1)
    const count = 20_000
    for (let n = 0; n < count; n += 1000) {
      const items = range(n + 1, n + 1000).map((i) => ({ channel: 'a', data: `${i}` }))
      await hub.publish(items)
    }
    await live.waitForMessages(count)
    expect(textsOf(live)).toEqual(range(1, count).map(String))
  })

  test('the last message of a channel comes whole before the end, however large', async () => {
    const { hub, open } = await startTlsHub()
    const stream = await open('/channels/answer')
    await stream.waitForEvents(1)
    const text = bigText(9)
    await hub.publish({ channel: 'answer', data: text, end: true })
    await stream.waitForClose()
    expect(textsOf(stream).map(hashOf)).toEqual([hashOf(text)])
    expect(stream.isComplete).toBe(true)
  })

  test('a drain tells streams to come back, in complete blocks', async () => {
    const { hub, open } = await startTlsHub({ PIAZZA_DRAIN_TIME: '1s' })
    const streams = await Promise.all(range(1, 20).map((n) => open(`/channels/c${n}`)))
    await Promise.all(streams.map((stream) => stream.waitForEvents(1)))
    hub.signal('SIGTERM')
    await Promise.all(streams.map((stream) => stream.waitForClose()))
    for (const stream of streams) {
      expect(stream.control('close').map(({ data }) => data)).toEqual(['{"reason":"drain"}'])
      expect(stream.isComplete).toBe(true)
      expect(lastIdOf(stream)).toMatch(/^[a-z0-9-]{1,64}$/)
    }
    await hub.waitForExit()
    expect(hub.exitCode).toBe(0)
  })

  test('a reader that takes no byte is cut, and resumes by id without loss', async () => {
    const { hub, open } = await startTlsHub({
      PIAZZA_SLOW_STREAM_TIMEOUT: '1s',
      PIAZZA_LOG_MAX_BYTES: '64MiB',
    })
    const stalled = await open('/channels/big')
    await stalled.waitForEvents(1)
    stalled.pause()
    for (const n of range(1, 30)) await hub.send('big', megabyteOf(n))
    await waitFor(
      'the cut',
      async () => (await hub.metric('piazza_streams_closed_total{reason="slow"}')) === 1,
      4000,
    )
    stalled.resume()
    await stalled.waitForClose()
    const had = stalled.messages.length
    expect(had).toBeLessThan(30)
    const again = await open('/channels/big', { headers: { 'Last-Event-ID': lastIdOf(stalled) } })
    await again.waitForMessages(30 - had)
    const all = [...textsOf(stalled), ...textsOf(again)]
    expect(all.map((text) => Number.parseInt(text, 10))).toEqual(range(1, 30))
    expect(gapsOf(again)).toEqual([])
  })

  test('fifty stalled readers cost a bounded batch each, and delay nobody', async () => {
    // a young generation that grows to its maximum would be 0.6 MB for each of them
    const telling = { tellsMemory: true, nodeOptions: ['--max-semi-space-size=1'] }
    const { hub, open } = await startTlsHub({}, telling)
    const healthy = await open('/channels/busy')
    await healthy.waitForEvents(1)
    let published = 0
    let slowestMs = 0
    const publish = async (megabytes: number) => {
      for (let i = 0; i < megabytes; i += 1) {
        const items = range(published + 1, published + 100)
        published += items.length
        const startedMs = performance.now()
        await hub.publish(
          items.map((n) => ({ channel: 'busy', data: `${n} `.padEnd(10_000, '.') })),
        )
        await healthy.waitForMessages(published, 3000)
        slowestMs = Math.max(slowestMs, performance.now() - startedMs)
      }
    }
    await publish(20)
    const stalled = await Promise.all(range(1, 50).map(() => open('/channels/busy')))
    await Promise.all(stalled.map((stream) => stream.waitForEvents(1)))
    const before = await hub.memory()
    for (const stream of stalled) stream.pause()
    await publish(60)
    expect(await hub.metric('piazza_streams_behind')).toBe(stalled.length)
    const after = await hub.memory()
    // RSS: what OpenSSL holds is in no count of V8's
    const perReader = (after.rss - before.rss) / stalled.length
    expect(perReader / MB).toBeLessThan(0.6)
    expect(slowestMs).toBeLessThan(1500)
    expect(healthy.messages.map(({ data }) => Number.parseInt(data, 10))).toEqual(
      range(1, published),
    )
  }, 60_000)
})

describe('a connection', () => {
  test('is of TLS 1.2 or 1.3, and nothing older, whatever Node was started with', async () => {
    const { hub, authority } = await startTlsHub({}, { nodeOptions: ['--tls-min-v1.0'] })
    const shakeHands = async (maxVersion: tls.SecureVersion): Promise<string> => {
      const socket = tls.connect({
        port: hub.port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: authority.pem,
        minVersion: 'TLSv1',
        maxVersion,
        ciphers: 'DEFAULT:@SECLEVEL=0', // else OpenSSL itself refuses the old ones, and nothing is seen of the hub
      })
      let failure = ''
      socket.on('error', (error: NodeJS.ErrnoException) => {
        failure = error.code ?? error.message
      })
      await waitFor('the handshake', () => failure !== '' || socket.authorized)
      const result = failure === '' ? `${socket.getProtocol()}` : failure
      socket.destroy()
      return result
    }
    expect(await shakeHands('TLSv1.3')).toBe('TLSv1.3')
    expect(await shakeHands('TLSv1.2')).toBe('TLSv1.2')
    expect(await shakeHands('TLSv1.1')).toMatch(/PROTOCOL_VERSION/)
    expect(await shakeHands('TLSv1')).toMatch(/PROTOCOL_VERSION/)
  })

  test('that speaks no TLS is closed, counts as no error, and harms nobody', async () => {
    const { hub, open, authority } = await startTlsHub()
    const stream = await open('/channels/a')
    await stream.waitForEvents(1)
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      '\x16\x03\x01\x00\x05nonsense',
    ]) {
      const socket = connect(hub.port, undefined)
      let isClosed = false
      socket.on('error', () => {})
      socket.on('data', () => {})
      socket.on('close', () => {
        isClosed = true
      })
      socket.write(bytes, 'latin1')
      await waitFor('the close', () => isClosed)
    }
    await hub.send('a', 'still here')
    await stream.waitForMessages(1)
    const { text } = await request(hub.port, 'GET', '/metrics', {}, '', authority.pem)
    expect(text).not.toMatch(/^piazza_http_errors_total\{.*\} [1-9]/m)
    expect(hub.log.join('\n')).not.toMatch(/"level":[56]0/)
  })

  test('whose handshake hangs does not hold up a stop', async () => {
    const { hub } = await startTlsHub({ PIAZZA_DRAIN_TIME: '0s' })
    const socket = connect(hub.port, undefined)
    socket.on('error', () => {})
    onTestFinished(() => {
      socket.destroy()
    })
    socket.write('\x16\x03\x01', 'latin1')
    await hub.send('a', 'the hub has seen what came before')
    hub.signal('SIGTERM')
    await hub.waitForExit(8000)
    expect(hub.exitCode).toBe(0)
  })
})
