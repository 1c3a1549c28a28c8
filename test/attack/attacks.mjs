// What an attacker does, by name, until `endMs`. Each tells what it saw.
import net from 'node:net'
import { openStreams } from '../../bench/load/open-streams.mjs'
import { Publisher } from '../../bench/load/publisher.mjs'
import { sleep } from '../../bench/load/sleep.mjs'

const HOST = 'Host: localhost\r\n'
const MB = 1_000_000
const isOver = (endMs) => performance.now() >= endMs
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i))

/** A socket that survives whatever the hub does to it. */
function connect({ port }, localAddress = '127.0.0.1') {
  const socket = net.connect({ port: Number(port), host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  return socket
}

/** 2,000 requests whose heads never end, one line a second. */
async function slowloris(url, endMs) {
  const sockets = times(2000, () => connect(url))
  for (const socket of sockets) socket.write(`POST /publish HTTP/1.1\r\n${HOST}`)
  while (!isOver(endMs)) {
    await sleep(1000)
    for (const socket of sockets) if (!socket.destroyed) socket.write('X: y\r\n')
  }
  return { open: sockets.filter(({ destroyed }) => !destroyed).length }
}

const CONNECTS = 20_000
const ADDRESSES = 8
/** Connects that are not answered yet. */
const BURST = 200

/** 20,000 connects that say nothing, and stay as long as they may. */
async function flood(url, endMs) {
  const seen = { connected: 0, closed: 0 }
  while (seen.connected < CONNECTS) {
    const burst = times(BURST, (i) => {
      const socket = connect(url, `127.0.0.${2 + (i % ADDRESSES)}`)
      return new Promise((resolve) => {
        socket.once('connect', () => {
          seen.connected += 1
          resolve()
        })
        socket.once('close', () => {
          seen.closed += 1
          resolve()
        })
        socket.resume()
      })
    })
    await Promise.all(burst)
  }
  while (!isOver(endMs)) await sleep(100)
  return seen
}

/**
 * The kernel takes some 2.5 MB for each reader that stalls before the hub can see it. Short messages fill that in minutes,
 * so some of the 1,000 are sent large ones; for all it would be gigabytes that other processes lack.
 */
const FILLED = 40
const LARGE_BYTES = 500_000
const LARGE_EVERY_MS = 200

/** 1,000 streams that take nothing, and publishers that push as fast as answers come. */
async function stall(url, endMs) {
  const streams = await openStreams(url, 1000, (i) => (i < FILLED ? 'large' : 'stalled'))
  for (const stream of streams) stream.stall()
  const [publisher, another] = [new Publisher(url), new Publisher(url)]
  const data = 'x'.repeat(1000)
  let published = 0
  const publishers = times(64, async () => {
    while (!isOver(endMs)) {
      await publisher.publish({ channel: 'stalled', data })
      published += 1
    }
  })
  while (!isOver(endMs)) {
    await another.publish({ channel: 'large', data: 'x'.repeat(LARGE_BYTES) })
    await sleep(LARGE_EVERY_MS)
  }
  await Promise.all(publishers)
  return { published, filled: FILLED }
}

const BODY_BYTES = 8 * MB
const fill = (part) => part.repeat(Math.floor(BODY_BYTES / part.length))
const inData = (json) => `{"channel":"bomb","data":${json}}`
const distinctKeys = () => {
  let text = ''
  for (let i = 0; text.length < BODY_BYTES; i += 1) text += `"k${i}":1,`
  return text
}
const BOMBS = {
  nested: () => fill('['),
  'nested in data': () => inData(fill('{"a":')),
  'many keys': () => inData(`{${distinctKeys()}"z":1}`),
  'many fields': () => `{${distinctKeys()}"z":1}`,
  'one key again and again': () => `{${fill('"a":1,')}"a":1}`,
  'a long list': () => inData(`[${fill('1,')}1]`),
  'a list of lists': () => inData(`[${fill('[],')}1]`),
  'a long batch': () => `[${fill('{},')}{}]`,
  'a huge number': () => inData(fill('9')),
  'a long fraction': () => inData(`0.${fill('9')}`),
  'many long numbers': () => inData(`[${fill('0.12345678901234567890,')}1]`),
  'a long string': () => inData(`"${fill('x')}"`),
  escapes: () => inData(`"${fill('\\u0000')}"`),
  spaces: () => fill(' '),
}

/** Bodies of 8 MB that are as dear to read as JSON can be, four at a time. */
async function bombs(url, endMs) {
  const bodies = Object.values(BOMBS).map((make) => Buffer.from(make()))
  const statuses = {}
  let next = 0
  await Promise.all(
    times(4, async () => {
      while (!isOver(endMs)) {
        next += 1
        addTo(statuses, await post(url, bodies[next % bodies.length]))
      }
    }),
  )
  return statuses
}

/** 0: there was no answer. */
const statusOf = (head) => Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0)
const addTo = (statuses, status) => (statuses[status] = (statuses[status] ?? 0) + 1)

/** Status of the answer. */
function post(url, body) {
  return new Promise((resolve) => {
    const socket = connect(url)
    const type = 'Content-Type: application/json\r\nConnection: close\r\n'
    let head = ''
    socket.on('data', (bytes) => (head += bytes.toString('latin1')))
    socket.on('close', () => resolve(statusOf(head)))
    socket.write(`POST /publish HTTP/1.1\r\n${HOST}${type}Content-Length: ${body.length}\r\n\r\n`)
    socket.write(body)
  })
}

const lines = (count, line) => times(count, line).join('')
const HEADS = [
  lines(7000, (i) => `h${i}: x\r\n`), // near the limit
  lines(10_000, () => 'a:\r\n'),
  `Cookie: ${'a=b; '.repeat(12_000)}\r\n`,
  `Authorization: Bearer ${'x'.repeat(60_000)}\r\n`,
  `Accept: ${'a/b;q=0.1,'.repeat(6000)}\r\n`,
  `Last-Event-ID: ${'x'.repeat(60_000)}\r\n`,
  `X: ${'x'.repeat(100_000)}\r\n`, // over it
]

/** Heads as large as they may be, and larger, on 50 connections. */
async function heads(url, endMs) {
  const requests = HEADS.map((rows) => `GET /channels/a?control=off HTTP/1.1\r\n${HOST}${rows}\r\n`)
  const statuses = {}
  let sent = 0
  await Promise.all(
    times(50, async (i) => {
      while (!isOver(endMs)) {
        const socket = connect(url)
        socket.write(requests[(sent + i) % requests.length])
        sent += 1
        const answer = await new Promise((resolve) =>
          socket.once('data', resolve).once('close', () => resolve('')),
        )
        addTo(statuses, statusOf(answer))
        socket.destroy()
      }
    }),
  )
  return statuses
}

export const REPLAYED_CHANNELS = 64
const REPLAYERS = 100

/** 100 clients that want all there is of 64 channels, again and again. */
async function replays(url, endMs) {
  const names = times(REPLAYED_CHANNELS, (i) => `log-${i}`).join()
  let bytes = 0
  let opened = 0
  await Promise.all(
    times(REPLAYERS, async () => {
      while (!isOver(endMs)) {
        const socket = connect(url)
        socket.write(`GET /channels/${names}?since=all HTTP/1.1\r\n${HOST}\r\n`)
        opened += 1
        let own = 0
        await new Promise((resolve) => {
          socket.on('close', resolve)
          socket.on('data', (piece) => {
            own += piece.length
            bytes += piece.length
            if (own > 4 * MB || isOver(endMs)) socket.destroy()
          })
        })
      }
    }),
  )
  return { opened, bytes }
}

export const attacks = { slowloris, flood, stall, bombs, heads, replays }
