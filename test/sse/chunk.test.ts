import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Chunk, LAST_CHUNK } from '../../src/sse/chunk.ts'
import { toUtf8, type Utf8 } from '../../src/sse/utf8.ts'

/** Sends bytes as the body of a chunked response and returns what Node's HTTP client reads. */
async function readAsBody(bytes: Buffer): Promise<{ body: Buffer; isComplete: boolean }> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
      socket.end(Buffer.concat([Buffer.from(head), bytes]))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const request = http.get(
      { port, host: '127.0.0.1', agent: false, timeout: 5000 },
      (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', () => {})
        response.on('close', () => {
          resolve({ body: Buffer.concat(pieces), isComplete: response.complete })
        })
      },
    )
    request.on('timeout', () => request.destroy(new Error('no response within 5 s')))
    request.on('error', reject)
  })
}

const TEXTS = ['a', 'é', '😀\n', ':\n', '\r\n', '0\r\n\r\n', 'x'.repeat(100_000), '\0']

describe('a chunk', () => {
  test('is read by an HTTP client as its content, one after the other', async () => {
    const chunks = TEXTS.map((text) => new Chunk([toUtf8(text)]))
    const { body, isComplete } = await readAsBody(
      Buffer.concat([...chunks.map(({ framed }) => framed), LAST_CHUNK]),
    )
    expect(body.equals(Buffer.from(TEXTS.join('')))).toBe(true)
    expect(isComplete).toBe(true)
  })

  test('without the last one, a client knows that it was cut', async () => {
    const { body, isComplete } = await readAsBody(new Chunk([toUtf8('abc')]).framed)
    expect(body.toString()).toBe('abc')
    expect(isComplete).toBe(false)
  })

  test('has the size of its bytes in hexadecimal', () => {
    expect(new Chunk(['x'.repeat(255) as Utf8, 'y' as Utf8]).framed.toString()).toBe(
      `100\r\n${'x'.repeat(255)}y\r\n`,
    )
    expect(new Chunk([toUtf8('é😀')]).framed.toString()).toBe('6\r\né😀\r\n')
  })

  test('gives an HTTP/1.0 stream its content without the framing', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
        const chunk = new Chunk(texts.map(toUtf8))
        const content = Buffer.from(texts.join(''))
        expect(chunk.content.equals(content)).toBe(true)
        expect(chunk.length).toBe(content.length)
        expect(chunk.framed.includes(content)).toBe(true)
      }),
    )
  })
})
