// A ZeroMQ PUSH socket (ZMTP 3.0, no security), as far as publishing needs one: npm's binding would be built by a compiler.
import { once } from 'node:events'
import net from 'node:net'

const GREETING_BYTES = 64
const COMMAND = 4

function greeting() {
  const bytes = Buffer.alloc(GREETING_BYTES)
  bytes.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0])
  bytes.write('NULL', 12, 'latin1')
  return bytes
}

/** A frame of up to 255 bytes has a short head. */
function frame(flags, content) {
  if (content.length <= 255) return Buffer.concat([Buffer.from([flags, content.length]), content])
  const head = Buffer.alloc(9)
  head[0] = flags | 2
  head.writeBigUInt64BE(BigInt(content.length), 1)
  return Buffer.concat([head, content])
}

/** The command READY, with the kind of the socket as its one property. */
function ready() {
  const [name, value] = ['Socket-Type', 'PUSH']
  const length = Buffer.alloc(4)
  length.writeUInt32BE(value.length)
  const parts = [[5], 'READY', [name.length], name, length, value]
  return frame(COMMAND, Buffer.concat(parts.map((part) => Buffer.from(part))))
}

/** Publishes over one connection. There is no answer: a publish is done when the kernel has taken it. */
export class ZmtpPublisher {
  #socket
  #encode
  #connected

  constructor(url, encode) {
    const { hostname, port } = new URL(url)
    this.#encode = encode
    this.#socket = net.connect(Number(port), hostname)
    this.#socket.setNoDelay(true)
    this.#socket.on('error', () => {})
    this.#socket.write(greeting())
    this.#connected = this.#handshake()
  }

  async publish(body) {
    await this.#connected
    const bytes = frame(0, Buffer.from(this.#encode(body), 'latin1'))
    await new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  close() {
    this.#socket.destroy()
  }

  async #handshake() {
    let received = 0
    while (received < GREETING_BYTES) {
      const [bytes] = await once(this.#socket, 'data')
      received += bytes.length
    }
    this.#socket.write(ready())
    this.#socket.on('data', () => {})
  }
}
