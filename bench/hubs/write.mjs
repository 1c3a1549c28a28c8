// The load tool's own ceiling of deliveries: a server that does nothing but write 64 KiB of prebuilt messages, numbered
// as the load expects them, to every stream, for ever.
import net from 'node:net'
import { numberedData } from '../load/numbered-data.mjs'

const DATA_BYTES = 100
const CHUNK_BYTES = 65_536
const FRAME_BYTES = `data: ${numberedData(0, DATA_BYTES)}\nid: 00000000000\n\n`.length
const PER_CHUNK = Math.floor(CHUNK_BYTES / FRAME_BYTES)
const chunks = []

/** All streams get the same chunks, each built once. */
function chunkOf(index) {
  if (chunks[index] === undefined) {
    const frames = Array.from({ length: PER_CHUNK }, (_, i) => {
      const number = index * PER_CHUNK + i
      return `data: ${numberedData(number, DATA_BYTES)}\nid: ${String(number).padStart(11, '0')}\n\n`
    })
    const content = frames.join('')
    chunks[index] = Buffer.from(`${content.length.toString(16)}\r\n${content}\r\n`)
  }
  return chunks[index]
}

const server = net.createServer((socket) => {
  let next = 0
  const fill = () => {
    let isTaken = true
    while (isTaken && !socket.destroyed) {
      isTaken = socket.write(chunkOf(next))
      next += 1
    }
  }
  socket.once('data', () => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    setTimeout(fill, 2000)
  })
  socket.on('drain', () => setImmediate(fill))
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', 4096, () => {
  console.log(JSON.stringify({ msg: 'started', url: `http://127.0.0.1:${server.address().port}` }))
})
