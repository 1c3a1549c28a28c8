import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { detach } from '../../src/sse/detach.ts'
import { waitFor } from '../support/wait.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** A server's side of a connection whose first request has been read, and the client's side. */
async function startExchange() {
  const requests: IncomingMessage[] = []
  const responses: ServerResponse[] = []
  const server = http.createServer((request, response) => {
    request.resume()
    requests.push(request)
    responses.push(response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => {})
  let received = ''
  client.setEncoding('latin1').on('data', (text: string) => {
    received += text
  })
  client.write(REQUEST)
  onTestFinished(() => {
    client.destroy()
    requests[0]?.socket.destroy()
    server.close()
  })
  await waitFor('the request', () => requests.length === 1)
  await new Promise(setImmediate)
  const request = requests[0]!
  return {
    server,
    client,
    request,
    response: responses[0]!,
    socket: request.socket,
    requestCount: () => requests.length,
    received: () => received,
  }
}

const namesOf = (socket: Socket) =>
  ['data', 'end', 'close', 'drain', 'error', 'timeout']
    .flatMap((event) => socket.listeners(event))
    .map((listener) => listener.name)
    .filter((name) => /socketOn/.test(name))

describe(`a socket on Node ${process.versions.node}`, () => {
  test('is taken away from node:http', async () => {
    const { request, response, socket } = await startExchange()
    expect(namesOf(socket).length).toBeGreaterThan(3)
    expect(detach(request, response)).toBe(true)
    expect(namesOf(socket)).toEqual([])
    expect((socket as Socket & { parser?: unknown }).parser ?? null).toBeNull()
    expect(socket.destroyed).toBe(false)
  })

  test('collects no stack for the error that node:http makes, and leaves those of others', async () => {
    const { request, response, socket } = await startExchange()
    const before = Error.stackTraceLimit
    const onClose = socket.listeners('close').find(({ name }) => /socketOn/.test(name))
    const limits: number[] = []
    const socketOnClose = () => {
      limits.push(Error.stackTraceLimit)
      onClose?.call(socket)
    }
    const listenersOf = socket.listeners.bind(socket)
    socket.listeners = (event) => (event === 'close' ? [socketOnClose] : listenersOf(event))
    expect(detach(request, response)).toBe(true)
    expect(limits).toEqual([0])
    expect(Error.stackTraceLimit).toBe(before)
    expect(before).toBeGreaterThan(0)
  })

  test('goes on as a plain socket: it writes, tells the end of the other side, and answers no request', async () => {
    const { client, request, response, socket, requestCount, received } = await startExchange()
    detach(request, response)
    let discarded = ''
    socket.on('data', (bytes: Buffer) => {
      discarded += bytes.toString('latin1')
    })
    socket.resume()
    socket.write('hello')
    await waitFor('what was written', () => received() === 'hello')
    client.write(REQUEST)
    await waitFor('a later request', () => discarded === REQUEST)
    expect(requestCount()).toBe(1)
    client.end()
    await waitFor('the close', () => socket.destroyed)
    expect(received()).toBe('hello')
  })

  test('is neither counted as idle nor closed with the server', async () => {
    const { server, request, response, socket } = await startExchange()
    detach(request, response)
    server.close()
    server.closeAllConnections()
    await new Promise(setImmediate)
    expect(socket.destroyed).toBe(false)
  })

  test('stays as it is where node:http has changed', async () => {
    const { client, request, response, socket, received } = await startExchange()
    const before = namesOf(socket)
    socket.listeners = () => []
    expect(detach(request, response)).toBe(false)
    delete (socket as Partial<Socket>).listeners
    expect(namesOf(socket)).toEqual(before)
    expect(response.socket).toBe(socket)
    response.end('answered')
    await waitFor('the answer', () => received().endsWith('answered'))
    client.destroy()
  })

  test('that is gone, or has been taken before, is left alone', async () => {
    const { request, response, socket } = await startExchange()
    expect(detach(request, response)).toBe(true)
    expect(detach(request, response)).toBe(false)
    const other = await startExchange()
    other.socket.destroy()
    expect(detach(other.request, other.response)).toBe(false)
    expect(socket.destroyed).toBe(false)
  })
})
