import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { type Readable } from 'node:stream'
import zlib from 'node:zlib'

/** Where the hub is asked, as the clients of whoever runs this reach it. */
export interface Target {
  readonly url: URL
  readonly channel: string
  /** Sent as `Authorization: Bearer`. */
  readonly token: string | undefined
}

export interface Asked {
  readonly path: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Sends a request on a connection of its own; resolves with the head. Rejects where nobody can be reached. */
export function ask(
  { url, token }: Target,
  { path, method = 'GET', headers = {}, body = '' }: Asked,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const base = url.href.endsWith('/') ? url.href : `${url.href}/`
  const place = new URL(path, base)
  const send = place.protocol === 'https:' ? https.request : http.request
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const all = { ...authorization, ...headers }
  return new Promise((resolve, reject) => {
    const request = send(place, { method, headers: all, agent: false, signal }, resolve)
    request.on('error', reject)
    request.end(body)
  })
}

export interface Whole {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A whole answer, or what is there of it by then. Rejects where not even a head came. */
export async function askWhole(target: Target, asked: Asked, deadlineMs: number): Promise<Whole> {
  const answer = await ask(target, asked, AbortSignal.timeout(deadlineMs))
  let text = ''
  try {
    for await (const part of decoded(answer).setEncoding('utf8')) text += part as string
  } catch {
    // a body that does not end or can't be read is an answer all the same: somebody is there
  }
  return { status: answer.statusCode ?? 0, headers: answer.headers, text }
}

/** The body as it was before something compressed it. */
export function decoded(answer: IncomingMessage): Readable {
  const decoder = decoderOf(answer.headers['content-encoding'])
  if (decoder === undefined) return answer
  answer.on('error', (error) => decoder.destroy(error))
  return answer.pipe(decoder)
}

function decoderOf(encoding: string | undefined) {
  if (encoding === 'gzip') return zlib.createGunzip()
  if (encoding === 'deflate') return zlib.createInflate()
  if (encoding === 'br') return zlib.createBrotliDecompress()
  return undefined
}
