import net, { type AddressInfo, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { waitFor } from './support/wait.ts'

/** A module of the load tool, which is JavaScript. */
const load = (path: string) => import(new URL(`../bench/load/${path}.mjs`, import.meta.url).href)

interface StreamModule {
  readonly Stream: new (options: {
    readonly port: number
    readonly hostname: string
    readonly request: string
    readonly onContent: (bytes: Buffer) => void
    readonly answerDeadlineMs: number
    readonly onAnswer: (error: Error | undefined) => void
  }) => { readonly content: number; close(): void }
}

interface ChannelModule {
  readonly CheckedChannel: new (
    name: string,
    lags: object,
    dataBytes?: number,
  ) => {
    next(): { readonly data: string }
    meter(): (bytes: Buffer) => void
    requireAll(): void
  }
}

interface PublisherModule {
  readonly Publisher: new (
    url: string,
    encode?: (body: unknown) => string,
    isTaken?: (body: string) => boolean,
  ) => { publish(body: unknown): Promise<string>; close(): void }
}

const { Stream } = (await load('stream')) as StreamModule
const { CheckedChannel } = (await load('checked-channel')) as ChannelModule
const { LagHistogram } = (await load('lag-histogram')) as { LagHistogram: new () => object }
const { Publisher } = (await load('publisher')) as PublisherModule

/** A server that hands its connections over. */
async function startServer(onSocket: (socket: Socket) => void): Promise<number> {
  const server = net.createServer({ noDelay: true }, onSocket)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** One byte after the other, in turns of the event loop of their own, to all of them. */
async function writeInBytes(sockets: readonly Socket[], text: string): Promise<void> {
  for (const byte of Buffer.from(text, 'latin1')) {
    for (const socket of sockets) socket.write(Buffer.from([byte]))
    await new Promise(setImmediate)
  }
}

const chunk = (content: string) => `${content.length.toString(16)}\r\n${content}\r\n`

test('streams whose bytes come one by one and in turn are taken apart right', async () => {
  const sockets: Socket[] = []
  const port = await startServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
  })
  const channel = new CheckedChannel('bench', new LagHistogram(), 20)
  const answers: (Error | undefined)[] = []
  const streams = [0, 1].map(
    () =>
      new Stream({
        port,
        hostname: '127.0.0.1',
        request: 'GET / HTTP/1.1\r\n\r\n',
        onContent: channel.meter(),
        answerDeadlineMs: 10_000,
        onAnswer: (error) => answers.push(error),
      }),
  )
  onTestFinished(() => {
    for (const stream of streams) stream.close()
    for (const socket of sockets) socket.destroy()
  })
  await waitFor('both', () => sockets.length === 2)
  const blocks = Array.from({ length: 4 }, () => `data: ${channel.next().data}\nid: 0\n\n`)
  const content = [`:\n\n${blocks[0]}`, `${blocks[1]}${blocks[2]}`, blocks[3]!]
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  await writeInBytes(sockets, head + content.map(chunk).join(''))
  const length = content.join('').length
  await waitFor('all', () => streams.every((stream) => stream.content === length))
  channel.requireAll()
  expect(answers).toEqual([undefined, undefined])
})

test('a stream that is refused is told as such, and one that is cut before its answer', async () => {
  const port = await startServer((socket) => {
    socket.once('data', (bytes) => {
      if (bytes.includes('refuse')) socket.write('HTTP/1.1 503 Unavailable\r\n\r\n')
      else socket.destroy()
    })
  })
  for (const [path, message] of [
    ['/refuse', 'a stream was refused'],
    ['/cut', 'a stream was cut as it opened'],
  ]) {
    const error = await new Promise<Error | undefined>((resolve) => {
      const stream = new Stream({
        port,
        hostname: '127.0.0.1',
        request: `GET ${path} HTTP/1.1\r\n\r\n`,
        onContent: () => {},
        answerDeadlineMs: 10_000,
        onAnswer: resolve,
      })
      onTestFinished(() => stream.close())
    })
    expect(error?.message).toBe(message)
  }
})

test('answers to publishes are told apart, in chunks or not, wherever they are split', async () => {
  const answers = [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n',
    'HTTP/1.1 201 Created\r\nContent-Length: 6\r\n\r\nsecond',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nwrong',
    'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"error":1}',
  ]
  const port = await startServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => void writeInBytes([socket], answers.join('')))
  })
  const publisher = new Publisher(
    `http://127.0.0.1:${port}`,
    () => 'x',
    (body) => !body.includes('"error"'),
  )
  onTestFinished(() => publisher.close())
  const outcomes = await Promise.allSettled(answers.map((body) => publisher.publish(body)))
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
  ])
  expect((outcomes[1] as PromiseFulfilledResult<string>).value).toBe('second')
  expect((outcomes[4] as PromiseRejectedResult).reason).toMatchObject({
    message: 'publish: 200 {"error":1}',
  })
})
