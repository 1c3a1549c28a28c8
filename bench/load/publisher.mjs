// The publisher of the load.
import net from 'node:net'

/** Publishes over one connection, several requests unanswered at a time. */
export class Publisher {
  #socket
  #text = ''
  #waiting = []
  #path

  constructor(url) {
    const { hostname, port } = new URL(url)
    this.#socket = net.connect(Number(port), hostname)
    this.#socket.setNoDelay(true)
    this.#path = `POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: `
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text) => {
      this.#text += text
      for (;;) {
        const end = this.#text.indexOf('\r\n\r\n')
        if (end < 0) return
        const length = Number(/content-length: (\d+)/i.exec(this.#text)?.[1])
        if (this.#text.length < end + 4 + length) return
        const status = this.#text.slice(9, 12)
        const body = this.#text.slice(end + 4, end + 4 + length)
        this.#text = this.#text.slice(end + 4 + length)
        const { resolve, reject } = this.#waiting.shift()
        if (status.startsWith('2')) resolve(body)
        else reject(new Error(`publish: ${status} ${body.slice(0, 300)}`))
      }
    })
  }

  publish(body) {
    const json = JSON.stringify(body)
    this.#socket.write(`${this.#path}${json.length}\r\n\r\n${json}`)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
  }

  close() {
    this.#socket.destroy()
  }
}
