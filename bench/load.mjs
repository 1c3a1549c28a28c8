// The load: opens streams, publishes, counts every delivery, checks order, measures lag. One process on one core.
import net from 'node:net'

const DATA_BYTES = 100
/** Deliveries whose ids are looked at one by one: every stream's at paced load, these many streams' at saturation. */
const CHECKED_STREAMS = 10
const ID = Buffer.from('\nid: ')
const DATA = Buffer.from('data: ')
/** Publishes that are not answered yet. */
const IN_FLIGHT = 64

/** One subscribed socket: takes HTTP chunks apart, counts messages by their bytes. */
class Stream {
  /** Bytes of message content. */
  content = 0
  #socket
  #pending = Buffer.alloc(0)
  #left = 0
  #isHead = true
  #onContent

  constructor(socket, onContent) {
    this.#socket = socket
    this.#onContent = onContent
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('error', () => {})
  }

  close() {
    this.#socket.destroy()
  }

  #take(incoming) {
    let bytes = this.#pending.length === 0 ? incoming : Buffer.concat([this.#pending, incoming])
    this.#pending = Buffer.alloc(0)
    if (this.#isHead) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) {
        this.#pending = bytes
        return
      }
      this.#isHead = false
      bytes = bytes.subarray(end + 4)
    }
    let offset = 0
    while (offset < bytes.length) {
      if (this.#left > 0) {
        const length = Math.min(this.#left, bytes.length - offset)
        this.content += length
        this.#onContent?.(bytes.subarray(offset, offset + length))
        offset += length
        this.#left -= length
        if (this.#left > 0) break
      }
      // CRLF of the last chunk, if any, then the next size line
      if (bytes.length - offset < 2) break
      const start = bytes[offset] === 13 ? offset + 2 : offset
      const end = bytes.indexOf('\r\n', start)
      if (end < 0) break
      this.#left = Number.parseInt(bytes.latin1Slice(start, end), 16)
      offset = end + 2
    }
    if (offset < bytes.length) this.#pending = Buffer.from(bytes.subarray(offset))
  }
}

/** Opens `count` streams, `channelOf(i)` each, a few at a time. */
export async function openStreams(url, count, channelOf, onContentOf = () => undefined) {
  const { hostname, port } = new URL(url)
  const streams = []
  const BURST = 50
  for (let i = 0; i < count; i += BURST) {
    const burst = Array.from({ length: Math.min(BURST, count - i) }, (_, k) => {
      const index = i + k
      return new Promise((resolve, reject) => {
        const socket = net.connect(Number(port), hostname)
        socket.once('error', reject)
        socket.once('data', () => resolve())
        streams.push(new Stream(socket, onContentOf(index)))
        socket.write(`GET /channels/${channelOf(index)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      })
    })
    await Promise.all(burst)
  }
  return streams
}

/** Publishes over one connection, several requests unanswered at a time. */
class Publisher {
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
        else reject(new Error(`publish: ${status} ${body}`))
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

const now = () => performance.timeOrigin + performance.now()
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const data = () => now().toFixed(3).padEnd(DATA_BYTES, '.')

/** Ids must rise. */
function orderCheck(report) {
  let last = ''
  let rest = Buffer.alloc(0)
  return (bytes) => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    let at = all.indexOf(ID)
    let done = 0
    while (at >= 0) {
      const end = all.indexOf(10, at + ID.length)
      if (end < 0) break
      const id = all.latin1Slice(at + ID.length, end).padStart(16, '0')
      if (id <= last) report.outOfOrder += 1
      last = id
      done = end
      at = all.indexOf(ID, end)
    }
    rest = Buffer.from(all.subarray(done))
  }
}

/** Deliveries per second while publishing as fast as answers come; frames of one size, so bytes tell the number. */
export async function saturate(url, streamCount, seconds) {
  const report = { outOfOrder: 0 }
  const streams = await openStreams(
    url,
    streamCount,
    () => 'bench',
    (i) => (i < CHECKED_STREAMS ? orderCheck(report) : undefined),
  )
  const publisher = new Publisher(url)
  const state = { isOver: false }
  let published = 0
  const loop = async () => {
    while (!state.isOver) {
      await publisher.publish({ channel: 'bench', data: data() })
      published += 1
    }
  }
  const before = streams.map(({ content }) => content)
  const loops = Array.from({ length: IN_FLIGHT }, loop)
  await sleep(1000)
  const total = () => streams.reduce((sum, { content }) => sum + content, 0)
  const start = { content: total(), published, ms: performance.now() }
  await sleep(seconds * 1000)
  const end = { content: total(), published, ms: performance.now() }
  state.isOver = true
  await Promise.all(loops)
  await settle(total)
  const frameBytes = (streams[0].content - before[0]) / published
  const seconds_ = (end.ms - start.ms) / 1000
  const result = {
    deliveriesPerSecond: (end.content - start.content) / frameBytes / seconds_,
    publishesPerSecond: (end.published - start.published) / seconds_,
    missing: streams.filter(
      ({ content }, i) => content - before[i] !== streams[0].content - before[0],
    ).length,
    outOfOrder: report.outOfOrder,
  }
  publisher.close()
  for (const stream of streams) stream.close()
  return result
}

/** Waits until nothing comes any more. */
async function settle(total) {
  for (let last = -1; last !== total();) {
    last = total()
    await sleep(300)
  }
}

/** Lag from publish to each delivery at a fixed rate. */
export async function pace(url, streamCount, perSecond, seconds) {
  const lags = []
  const report = { outOfOrder: 0 }
  const measure = () => {
    const check = orderCheck(report)
    return (bytes) => {
      const receivedAt = now()
      for (let at = bytes.indexOf(DATA); at >= 0; at = bytes.indexOf(DATA, at + DATA_BYTES)) {
        lags.push(receivedAt - Number(bytes.latin1Slice(at + DATA.length, at + DATA.length + 17)))
      }
      check(bytes)
    }
  }
  const streams = await openStreams(url, streamCount, () => 'bench', measure)
  await sleep(500)
  lags.length = 0
  const publisher = new Publisher(url)
  const startMs = performance.now()
  let published = 0
  const answers = []
  while (performance.now() - startMs < seconds * 1000) {
    if (published < ((performance.now() - startMs) / 1000) * perSecond) {
      answers.push(publisher.publish({ channel: 'bench', data: data() }))
      published += 1
    }
    await sleep(1)
  }
  await Promise.all(answers)
  await settle(() => lags.length)
  publisher.close()
  for (const stream of streams) stream.close()
  const measured = lags.filter((lag) => !Number.isNaN(lag)).toSorted((a, b) => a - b)
  return {
    p50: measured[Math.floor(measured.length * 0.5)],
    p99: measured[Math.floor(measured.length * 0.99)],
    max: measured.at(-1),
    missing: published * streamCount - measured.length,
    outOfOrder: report.outOfOrder,
  }
}

/** What the load can take from a server that only writes. */
export async function ceiling(url, streamCount, seconds) {
  const streams = await openStreams(url, streamCount, () => 'bench')
  const total = () => streams.reduce((sum, { content }) => sum + content, 0)
  await sleep(3000)
  const start = { content: total(), ms: performance.now() }
  await sleep(seconds * 1000)
  const bytesPerSecond = (total() - start.content) / ((performance.now() - start.ms) / 1000)
  for (const stream of streams) stream.close()
  return {
    deliveriesPerSecond: bytesPerSecond / (DATA_BYTES + 'data: \nid: 00000000000\n\n'.length),
  }
}

const TASKS = { saturate, pace, ceiling }

process.on('message', async ({ task, args }) => {
  try {
    process.send({ result: await TASKS[task](...args) })
  } catch (error) {
    process.send({ error: error.stack })
  }
  process.exit()
})
