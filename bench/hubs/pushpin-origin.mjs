// What Pushpin asks for each stream: which channel it is on, by the headers of GRIP. Pushpin holds the stream then.
import http from 'node:http'

const server = http.createServer((request, response) => {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'grip-hold': 'stream',
    'grip-channel': request.url.slice(request.url.lastIndexOf('/') + 1),
  })
  response.end(':\n\n')
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', 4096, () => {
  console.log(JSON.stringify({ msg: 'started', url: `http://127.0.0.1:${server.address().port}` }))
})
