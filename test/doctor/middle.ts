import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import zlib from 'node:zlib'
import { onTestFinished } from 'vitest'

interface Page {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly isEndless?: true
}

/** What a proxy does wrong. */
export interface Fault {
  /** Holds back everything, the head too, until so many bytes are there; then the next so many. */
  readonly bufferBytes?: number
  /** Holds back what comes later than the first bytes of a stream. */
  readonly swallowsRest?: true
  readonly compresses?: true
  /** Cuts a stream when nothing passed for so long. */
  readonly idleMs?: number
  /** Answers by itself, whatever is asked. */
  readonly page?: Page
  /** A page of its own in place of the hub's errors. */
  readonly replacesErrors?: true
  readonly addedHeaders?: Readonly<Record<string, string>>
  readonly removedHeader?: string
  /** A header of requests that it does not pass on. */
  readonly eatenHeader?: string
  /** Leads elsewhere, request by request. */
  readonly port?: number
}

/** Starts a small HTTP proxy with this fault before the hub; gives its address. It ends with the test. */
export async function startMiddle(hubPort: number, fault: Fault): Promise<string> {
  const server = http.createServer((request, response) => {
    const { page, eatenHeader } = fault
    if (page !== undefined) {
      response.writeHead(page.status, { 'content-type': page.type }).write(page.body)
      if (!page.isEndless) response.end()
      return
    }
    const { method, url: path, headers } = request
    const passed = Object.entries(headers).filter(([name]) => name !== eatenHeader)
    const options = { host: '127.0.0.1', port: fault.port ?? hubPort, method, path, agent: false }
    const upstream = http.request({ ...options, headers: Object.fromEntries(passed) }, (answer) => {
      pass(answer, response, fault)
    })
    upstream.on('error', () => response.destroy())
    response.on('close', () => upstream.destroy())
    request.pipe(upstream)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function pass(answer: IncomingMessage, response: ServerResponse, fault: Fault): void {
  const { statusCode = 0 } = answer
  if (fault.replacesErrors && statusCode >= 400) {
    response.writeHead(statusCode, { 'content-type': 'text/html' }).end('<h1>Oops</h1>')
    return
  }
  const headers = { ...answer.headers, ...fault.addedHeaders }
  delete headers['transfer-encoding']
  if (fault.removedHeader !== undefined) delete headers[fault.removedHeader]
  const isStream = headers['content-type'] === 'text/event-stream'
  if (isStream && fault.compresses) headers['content-encoding'] = 'gzip'
  response.writeHead(statusCode, headers)
  if (!isStream) {
    answer.pipe(response)
    return
  }
  passStream(answer, response, fault)
}

function passStream(answer: IncomingMessage, response: ServerResponse, fault: Fault): void {
  const { bufferBytes = 0, swallowsRest, compresses, idleMs } = fault
  let held = Buffer.alloc(0)
  let isBegun = false
  const gzip = zlib.createGzip({ flush: zlib.constants.Z_SYNC_FLUSH })
  gzip.on('data', (bytes) => response.write(bytes))
  if (bufferBytes === 0) response.flushHeaders()
  if (idleMs !== undefined) response.socket!.setTimeout(idleMs, () => response.destroy())
  answer.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes])
    if (held.length < bufferBytes || (swallowsRest && isBegun)) return
    isBegun = true
    if (compresses) gzip.write(held)
    else response.write(held)
    held = Buffer.alloc(0)
  })
  answer.on('close', () => response.destroy())
}
