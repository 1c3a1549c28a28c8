// The load tool's own ceiling of deliveries: a server that does nothing but write one prebuilt 64 KiB chunk to every stream, for ever.
import net from 'node:net'

const FRAME = `data: ${'x'.repeat(100)}\nid: 00000000000\n\n`
const content = Buffer.from(FRAME.repeat(Math.floor(65_536 / FRAME.length)))
const chunk = Buffer.concat([
  Buffer.from(`${content.length.toString(16)}\r\n`),
  content,
  Buffer.from('\r\n'),
])
const server = net.createServer((socket) => {
  const fill = () => {
    while (!socket.destroyed && socket.write(chunk));
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
