import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Answers one request; what it leaves open stays open until the test is over. */
export type StubAnswer = (response: ServerResponse) => void

/** A server that answers the n-th request with the n-th answer, and all that follow with the last. */
export interface StubHub {
  readonly url: string
  /** The header `Last-Event-ID` of each request, empty where there was none. */
  readonly asked: readonly string[]
  /** How long answers took until they or their connections ended, ms, in the order of the ends. */
  readonly lastedMs: readonly number[]
  /** Closes the open connections in the middle of their streams. */
  tear(): void
}

const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'Last-Event-ID, Cache-Control',
}

export async function startStubHub(...answers: readonly StubAnswer[]): Promise<StubHub> {
  const asked: string[] = []
  const lastedMs: number[] = []
  const streams = new Set<ServerResponse>()
  const server = createServer((request: IncomingMessage, response) => {
    for (const [name, value] of Object.entries(CORS_HEADERS)) response.setHeader(name, value)
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end()
      return
    }
    streams.add(response)
    const startedMs = performance.now()
    response.on('close', () => lastedMs.push(performance.now() - startedMs))
    asked.push(String(request.headers['last-event-id'] ?? ''))
    answers[Math.min(asked.length, answers.length) - 1]!(response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/stream`,
    asked,
    lastedMs,
    tear: () => {
      for (const { socket } of streams) socket?.end()
    },
  }
}

const STREAM_HEADERS = { 'Content-Type': 'text/event-stream', Connection: 'close' }

/** A stream that ends, whole. */
export const ended =
  (text: string): StubAnswer =>
  (response) =>
    response.writeHead(200, STREAM_HEADERS).end(text)

/** A stream that says this, then a part of a chunk (ASCII), and stays. */
export const open =
  (text: string, part = ''): StubAnswer =>
  (response) => {
    response.writeHead(200, STREAM_HEADERS).write(text)
    if (part !== '') response.socket?.write(`${(2 * part.length).toString(16)}\r\n${part}`)
  }

/** A status and nothing else. */
export const status =
  (code: number): StubAnswer =>
  (response) =>
    response.writeHead(code, { 'Cache-Control': 'no-store' }).end()

/** The connection closes without an answer. */
export const noAnswer: StubAnswer = (response) => response.socket?.end()
