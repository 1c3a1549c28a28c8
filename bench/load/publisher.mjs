// The publisher of the load.
import net from 'node:net'

/** An HTTP request with JSON in it. */
export function jsonRequest(path, body, headers = '') {
  return request(path, JSON.stringify(body), `Content-Type: application/json\r\n${headers}`)
}

/** All that the load sends is ASCII. */
export function request(path, body, headers = '') {
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`
}

/** Publishes over one connection, several requests unanswered at a time; those of one turn go out in one write. */
export class Publisher {
  #socket
  #encode
  #isTaken
  #out = ''
  #text = ''
  #waiting = []

  /** `isTaken`: whether the body of a 2xx answer says that all was published. */
  constructor(url, encode = (body) => jsonRequest('/publish', body), isTaken = () => true) {
    const { hostname, port } = new URL(url)
    this.#encode = encode
    this.#isTaken = isTaken
    this.#socket = net.connect(Number(port), hostname)
    this.#socket.setNoDelay(true)
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text) => this.#take(text))
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      for (const { reject } of this.#waiting) reject(new Error('the publishing connection was cut'))
    })
  }

  publish(body) {
    if (this.#out === '') {
      process.nextTick(() => {
        this.#socket.write(this.#out)
        this.#out = ''
      })
    }
    this.#out += this.#encode(body)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
  }

  close() {
    this.#socket.destroy()
  }

  #take(incoming) {
    const text = this.#text + incoming
    let at = 0
    for (;;) {
      const end = text.indexOf('\r\n\r\n', at)
      if (end < 0) break
      const head = text.slice(at, end)
      const length = bodyLength(head, text, end + 4)
      if (length === undefined || text.length < end + 4 + length) break
      this.#answer(head.slice(9, 12), text.slice(end + 4, end + 4 + length))
      at = end + 4 + length
    }
    this.#text = text.slice(at)
  }

  #answer(status, body) {
    const { resolve, reject } = this.#waiting.shift()
    if (status.startsWith('2') && this.#isTaken(body)) resolve(body)
    else reject(new Error(`publish: ${status} ${body.slice(0, 300)}`))
  }
}

const LAST_CHUNK = '\r\n0\r\n\r\n'

/** With the chunks' size lines, where there are some: they are in nobody's JSON. Undefined: it is not whole yet. */
function bodyLength(head, text, start) {
  if (!/transfer-encoding: *chunked/i.test(head)) {
    return Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  }
  const end = text.indexOf(LAST_CHUNK, start - 2)
  return end < 0 ? undefined : end + LAST_CHUNK.length - start
}
