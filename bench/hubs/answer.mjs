// The load tool's own ceiling of connects: a server that answers each with a head, and does nothing else.
import net from 'node:net'

const STREAM = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
const PUBLISHED = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
/** Of POST. */
const P = 0x50

const server = net.createServer((socket) => {
  socket.on('data', (bytes) => socket.write(bytes[0] === P ? PUBLISHED : STREAM))
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', 4096, () => {
  console.log(JSON.stringify({ msg: 'started', url: `http://127.0.0.1:${server.address().port}` }))
})
