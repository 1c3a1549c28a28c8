import type net from 'node:net'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { onTestFinished } from 'vitest'
import { connect } from './connect.ts'
import { waitFor } from './wait.ts'

/** A subscribe over a raw socket: head, body bytes as they come, and events by an independent parser. */
export interface RawStream {
  readonly socket: net.Socket
  /** Status code; 0 until the head is there. */
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Body as text: chunk framing taken out. */
  readonly body: string
  /** Everything received, byte for byte (latin1). */
  readonly raw: string
  readonly events: readonly EventSourceMessage[]
  /** The latest `retry:`. */
  readonly retry: number | undefined
  /** The body's last chunk has come, or the connection has ended. */
  readonly isComplete: boolean
  readonly isClosed: boolean
  /** Events that are no `piazza.*`. */
  readonly messages: readonly EventSourceMessage[]
  waitForEvents(count: number, deadlineMs?: number): Promise<void>
  waitForMessages(count: number, deadlineMs?: number): Promise<void>
  waitForClose(deadlineMs?: number): Promise<void>
  control(name: string): readonly EventSourceMessage[]
  /** Stops reading: the kernel's buffers fill up. */
  pause(): void
  resume(): void
  close(): void
}

export interface RawStreamOptions {
  readonly headers?: Record<string, string>
  readonly version?: '1.0' | '1.1'
  /** Sent in the same packet, behind the request. */
  readonly trailer?: string
  /** PEM: the stream is opened over TLS. */
  readonly authority?: string
}

/** Opens `path` and waits for the head. The socket is destroyed with the test. */
export async function openStream(
  port: number,
  path: string,
  { headers = {}, version = '1.1', trailer = '', authority }: RawStreamOptions = {},
): Promise<RawStream> {
  const socket = connect(port, authority)
  const events: EventSourceMessage[] = []
  const state = {
    raw: '',
    head: '',
    body: '',
    isComplete: false,
    isClosed: false,
    retry: undefined as number | undefined,
  }
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onRetry: (retry) => {
      state.retry = retry
    },
  })
  const decoder = new TextDecoder()
  const feed = (bytes: Buffer) => {
    const text = decoder.decode(bytes, { stream: true })
    state.body += text
    parser.feed(text)
  }
  let pending = Buffer.alloc(0)
  const isChunked = () => /transfer-encoding: chunked/i.test(state.head)
  const takeChunks = () => {
    while (!state.isComplete) {
      const lineEnd = pending.indexOf('\r\n')
      if (lineEnd < 0) return
      const size = Number.parseInt(pending.subarray(0, lineEnd).toString('latin1'), 16)
      if (pending.length < lineEnd + 2 + size + 2) return
      if (size === 0) state.isComplete = true
      else feed(pending.subarray(lineEnd + 2, lineEnd + 2 + size))
      pending = pending.subarray(lineEnd + 2 + size + 2)
    }
  }
  socket.on('data', (bytes) => {
    state.raw += bytes.toString('latin1')
    pending = Buffer.concat([pending, bytes])
    if (state.head === '') {
      const end = pending.indexOf('\r\n\r\n')
      if (end < 0) return
      state.head = pending.subarray(0, end).toString('latin1')
      pending = pending.subarray(end + 4)
    }
    if (isChunked()) takeChunks()
    else {
      feed(pending)
      pending = Buffer.alloc(0)
    }
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    state.isClosed = true
    if (!isChunked()) state.isComplete = true
  })
  onTestFinished(() => {
    socket.destroy()
  })
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...headers }).map(
    ([k, v]) => `${k}: ${v}\r\n`,
  )
  socket.write(
    Buffer.from(`GET ${path} HTTP/${version}\r\n${lines.join('')}\r\n${trailer}`, 'latin1'),
  )
  const messages = () => events.filter((event) => !event.event?.startsWith('piazza.'))
  const stream: RawStream = {
    socket,
    get status() {
      return Number(/^HTTP\/1\.[01] (\d+)/.exec(state.head)?.[1] ?? 0)
    },
    get headers() {
      const rows = state.head.split('\r\n').slice(1)
      return Object.fromEntries(
        rows.map((row) => [
          row.split(':', 1)[0]!.toLowerCase(),
          row.slice(row.indexOf(':') + 1).trim(),
        ]),
      )
    },
    get body() {
      return state.body
    },
    get raw() {
      return state.raw
    },
    events,
    get retry() {
      return state.retry
    },
    get isComplete() {
      return state.isComplete
    },
    get isClosed() {
      return state.isClosed
    },
    get messages() {
      return messages()
    },
    waitForEvents: (count, deadlineMs) =>
      waitFor(
        `${count} events on ${path}, have ${events.length}`,
        () => events.length >= count,
        deadlineMs,
      ),
    waitForMessages: (count, deadlineMs) =>
      waitFor(`${count} messages on ${path}`, () => messages().length >= count, deadlineMs),
    waitForClose: (deadlineMs) => waitFor(`close of ${path}`, () => state.isClosed, deadlineMs),
    control: (name) => events.filter((event) => event.event === `piazza.${name}`),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.destroy(),
  }
  await waitFor(`head of ${path}`, () => state.head !== '' || state.isClosed)
  return stream
}
