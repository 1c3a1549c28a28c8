import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { ClientAddresses } from '../../src/http/client-addresses.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'

const LIMITED = { PIAZZA_MAX_STREAMS_PER_IP: '1' }

const requestWith = (headers: Record<string, string>) =>
  ({ headers, ip: '127.0.0.1', raw: { socket: {} } }) as never

/** Whether a second stream with this header counts as the client of the first. */
async function areOne(hub: TestHub, first: string, second: string): Promise<boolean> {
  const open = (forwarded: string) =>
    openStream(hub.port, '/channels/a', { headers: { 'X-Forwarded-For': forwarded } })
  const taken = await open(first)
  expect(taken.headers).not.toHaveProperty('piazza-refused')
  const { headers } = await open(second)
  expect([undefined, 'max-streams-per-ip']).toContain(headers['piazza-refused'])
  return 'piazza-refused' in headers
}

describe('a forged X-Forwarded-For changes nothing', () => {
  test.each([
    ['off', 'by default'],
    ['10.0.0.0/8', 'from a peer that is not among the proxies'],
    ['::1', 'from another loopback address'],
  ])('with PIAZZA_TRUST_PROXY=%s: %s', async (trust) => {
    const hub = await startHub({ ...LIMITED, PIAZZA_TRUST_PROXY: trust })
    expect(await areOne(hub, '192.0.2.1', '192.0.2.2')).toBe(true)
  })

  test.each(['1', '127.0.0.0/8'])(
    'behind a proxy (PIAZZA_TRUST_PROXY=%s), which adds the address it sees at the right',
    async (trust) => {
      const hub = await startHub({ ...LIMITED, PIAZZA_TRUST_PROXY: trust })
      expect(await areOne(hub, '198.51.100.1, 192.0.2.1', '198.51.100.2, 192.0.2.1')).toBe(true)
    },
  )

  test.each(['2', '127.0.0.1,10.0.0.0/8'])(
    'behind two proxies (PIAZZA_TRUST_PROXY=%s)',
    async (trust) => {
      const hub = await startHub({ ...LIMITED, PIAZZA_TRUST_PROXY: trust })
      const added = ', 127.0.0.1, 192.0.2.1, 10.0.0.1'
      expect(await areOne(hub, `198.51.100.1${added}`, `198.51.100.2${added}`)).toBe(true)
    },
  )

  test('nor does what is no address, or has too many of them', async () => {
    const hub = await startHub({ ...LIMITED, PIAZZA_TRUST_PROXY: '1' })
    const many = Array.from({ length: 3000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`).join(',')
    expect(await areOne(hub, `${many},192.0.2.1`, '-,192.0.2.1')).toBe(true)
  })
})

describe('a trusted proxy tells the client', () => {
  test.each(['1', '127.0.0.1', '127.0.0.0/8', '10.0.0.0/8,127.0.0.1', '::ffff:127.0.0.1'])(
    'with PIAZZA_TRUST_PROXY=%s',
    async (trust) => {
      const hub = await startHub({ ...LIMITED, PIAZZA_TRUST_PROXY: trust })
      expect(await areOne(hub, '192.0.2.1', '192.0.2.2')).toBe(false)
    },
  )

  test.each(['2', '127.0.0.1,10.0.0.0/8'])('over a second one: %s', async (trust) => {
    const hub = await startHub({ ...LIMITED, PIAZZA_TRUST_PROXY: trust })
    expect(await areOne(hub, '192.0.2.1, 10.0.0.1', '192.0.2.2, 10.0.0.1')).toBe(false)
  })

  test('with the port of its connection, too', async () => {
    const hub = await startHub({ ...LIMITED, PIAZZA_TRUST_PROXY: '1' })
    expect(await areOne(hub, '192.0.2.1:5000', '192.0.2.1:5001')).toBe(true)
  })
})

test('a proxy that is not trusted is told of in the log, once', () => {
  const lines: string[] = []
  const log = pino({}, { write: (line) => lines.push(line) })
  const untrusting = new ClientAddresses('off', log)
  untrusting.of(requestWith({}))
  expect(lines).toEqual([])
  for (let i = 0; i < 3; i += 1) untrusting.of(requestWith({ 'x-forwarded-for': '192.0.2.1' }))
  expect(lines).toEqual([expect.stringContaining('X-Forwarded-For is not trusted')])
  expect(lines[0]).not.toContain('192.0.2.1')
  new ClientAddresses(1, log).of(requestWith({ 'x-forwarded-for': '192.0.2.1' }))
  expect(lines).toHaveLength(1)
})
