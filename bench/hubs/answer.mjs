// The load tool's own ceiling of connects: a server that answers each with a head, and does nothing else.
import net from 'node:net'

const server = net.createServer((socket) => {
  socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'))
  socket.on('error', () => {})
})
server.listen(0, '127.0.0.1', 4096, () => {
  console.log(JSON.stringify({ msg: 'started', url: `http://127.0.0.1:${server.address().port}` }))
})
