import { expect, test } from 'vitest'
import { FuzzedHub } from './fuzzed-hub.ts'
import { KEY } from './requests.ts'

const HEAD = `Host: localhost\r\nAuthorization: Bearer ${KEY}\r\n`
const DATA = 'data of a message'
const JSON_BODY = JSON.stringify({ channel: 'cut', data: DATA })
const CROWD = 50

/** What each is answered when it comes whole. */
const REQUESTS = [
  ['a subscribe', 200, `GET /channels/cut?since=all HTTP/1.1\r\n${HEAD}\r\n`],
  [
    'a publish',
    201,
    `POST /publish HTTP/1.1\r\n${HEAD}Content-Type: application/json\r\nContent-Length: ${JSON_BODY.length}\r\n\r\n${JSON_BODY}`,
  ],
  [
    'a publish in chunks',
    201,
    `POST /channels/cut HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n${DATA.slice(0, 5)}\r\nc\r\n${DATA.slice(5)}\r\n0\r\nTrailer: x\r\n\r\n`,
  ],
] as const

/** Crowds of what `make` makes of each place. */
function crowds<T>(length: number, make: (at: number) => T): T[][] {
  const all = Array.from({ length: length - 1 }, (_, i) => make(i + 1))
  return Array.from({ length: Math.ceil(all.length / CROWD) }, (_, i) =>
    all.slice(i * CROWD, (i + 1) * CROWD),
  )
}

const statusOf = (received: Buffer) => Number(received.subarray(9, 12).toString())

test.each(REQUESTS)(
  '%s that ends at any byte is refused or closed',
  async (_, __, text) => {
    const hub = await FuzzedHub.start()
    const bytes = Buffer.from(text)
    const endings = ['end', 'destroy', 'reset'] as const
    for (const ending of endings) {
      for (const crowd of crowds(bytes.length, (at) => ({
        pieces: [bytes.subarray(0, at)],
        ending,
      }))) {
        const received = await hub.play(crowd)
        const accepted = received.map(statusOf).filter((status) => status >= 200 && status < 300)
        expect(accepted).toEqual([])
      }
    }
    await hub.finish()
  },
  60_000,
)

test.each(REQUESTS)(
  '%s in two packets, wherever cut, is answered as a whole one',
  async (_, status, text) => {
    const hub = await FuzzedHub.start()
    const bytes = Buffer.from(text)
    const split = (at: number) => ({
      pieces: [bytes.subarray(0, at), bytes.subarray(at)],
      ending: 'end' as const,
    })
    for (const crowd of crowds(bytes.length, split)) {
      const received = await hub.play(crowd)
      expect([...new Set(received.map(statusOf))]).toEqual([status])
    }
    await hub.finish()
  },
  60_000,
)
