import net from 'node:net'
import { onTestFinished } from 'vitest'
import { waitFor } from '../support/wait.ts'

/** One answer as it stood on the wire. */
export interface WireAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly json: any // oxlint-disable-line typescript/no-explicit-any
}

export interface WireRequest {
  /** `Host` is the hub's own unless given; `null` leaves it out. */
  readonly headers?: Readonly<Record<string, string | null>>
  readonly body?: string | Uint8Array
  readonly version?: '1.0' | '1.1'
}

/** The bytes of a request: nothing is checked, so that bad ones can be sent. */
export function encodeRequest(
  port: number,
  method: string,
  path: string,
  { headers = {}, body, version = '1.1' }: WireRequest = {},
): Buffer {
  const bytes = body === undefined ? undefined : Buffer.from(body as string)
  const fields: Record<string, string | null> = {
    Host: `127.0.0.1:${port}`,
    ...(bytes === undefined ? {} : { 'Content-Length': String(bytes.length) }),
    ...headers,
  }
  const lines = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes ?? Buffer.alloc(0)])
}

/** Sends one request on a socket of its own; of a stream it takes the head. */
export async function request(
  port: number,
  method: string,
  path: string,
  options: WireRequest = {},
): Promise<WireAnswer> {
  const [answer] = await exchange(port, encodeRequest(port, method, path, options), {
    isHead: method === 'HEAD',
  })
  return answer!
}

/** Writes these bytes as one packet and waits for `count` whole answers. */
export async function exchange(
  port: number,
  bytes: string | Uint8Array,
  { count = 1, isHead = false } = {},
): Promise<WireAnswer[]> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  onTestFinished(() => {
    socket.destroy()
  })
  let received = Buffer.alloc(0)
  let isClosed = false
  let answers: WireAnswer[] = []
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  const shown = Buffer.from(bytes as string)
    .toString('latin1')
    .slice(0, 60)
  await waitFor(`${count} answers to ${JSON.stringify(shown)}`, () => {
    answers = parseAnswers(received, isClosed, () => isHead).answers
    if (isClosed && answers.length < count) {
      throw new Error(`closed after ${answers.length} of ${count} answers to ${shown}`)
    }
    return answers.length >= count
  })
  socket.destroy()
  return answers
}

/**
 * Takes whole answers from the front of what came. `isBodiless` tells, from what stands behind its head, whether an
 * answer is to HEAD.
 */
export function parseAnswers(
  received: Buffer,
  isClosed: boolean,
  isBodiless: (rest: Buffer) => boolean,
): { readonly answers: WireAnswer[]; readonly rest: Buffer } {
  const answers: WireAnswer[] = []
  let rest = received
  for (;;) {
    const headEnd = rest.indexOf('\r\n\r\n')
    if (headEnd < 0) return { answers, rest }
    const [statusLine, ...rows] = rest.subarray(0, headEnd).toString('latin1').split('\r\n')
    const headers: Record<string, string> = {}
    for (const row of rows) {
      const colon = row.indexOf(':')
      const name = row.slice(0, colon).toLowerCase()
      const value = row.slice(colon + 1).trim()
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
    }
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine!)?.[1] ?? 0)
    const behind = rest.subarray(headEnd + 4)
    const hasBody = status >= 200 && status !== 204 && !isBodiless(behind)
    const body = hasBody
      ? takeBody(behind, headers, isClosed)
      : { bytes: Buffer.alloc(0), lengthBytes: 0 }
    if (body === undefined) return { answers, rest }
    rest = behind.subarray(body.lengthBytes)
    const text = body.bytes.toString()
    answers.push({ status, headers, text, json: parseJson(text) })
  }
}

/** The body at the front of `rest`, or undefined while it is incomplete. */
function takeBody(rest: Buffer, headers: Record<string, string>, isClosed: boolean) {
  if (headers['content-length'] !== undefined) {
    const lengthBytes = Number(headers['content-length'])
    if (rest.length < lengthBytes) return undefined
    return { bytes: rest.subarray(0, lengthBytes), lengthBytes }
  }
  if (headers['content-type'] === 'text/event-stream') {
    return { bytes: Buffer.alloc(0), lengthBytes: rest.length }
  }
  if (headers['transfer-encoding'] !== 'chunked') {
    return isClosed ? { bytes: rest, lengthBytes: rest.length } : undefined
  }
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString('latin1'), 16)
    const next = lineEnd + 2 + size + 2
    if (rest.length < next) return undefined
    if (size === 0) return { bytes: Buffer.concat(parts), lengthBytes: next }
    parts.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = next
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
