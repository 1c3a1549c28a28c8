import net from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { startHub } from '../support/hub.ts'
import { request } from '../support/request.ts'
import { waitFor } from '../support/wait.ts'
import { expectFlow, expectGivesUp } from './flow.ts'
import { startNginx } from './proxy.ts'
import { startRightNginx } from './recipes.ts'
import { describeRight } from './right.ts'

describe('nginx as docs/proxies.md has it', () => {
  describeRight(startRightNginx)
})

const ONE_HUB = 'proxy_pass http://127.0.0.1:HUB;'

/** nginx with nothing set but these lines, and those around. */
async function startBare(hub: number, location: string, around = ''): Promise<number> {
  const port = await freePort()
  const server = `server { listen 127.0.0.1:${port}; location / { ${location} } }`
  await startNginx(`${around}\n${server}`.replaceAll('HUB', `${hub}`), port)
  return port
}

describe('nginx set otherwise', () => {
  test('with proxy_pass alone streams flow: the hub asks for it', async () => {
    const hub = await startHub()
    await expectFlow(hub, await startBare(hub.port, ONE_HUB))
  })

  test('with proxy_pass alone an EventSource gives up on the 502 of a moment without a hub', async () => {
    const hub = await startHub()
    await expectGivesUp(hub, await startBare(hub.port, ONE_HUB), 502)
  })

  test('where X-Accel-Buffering is ignored nothing comes until 4 KiB are there, not even the head', async () => {
    const hub = await startHub()
    const port = await startBare(
      hub.port,
      `${ONE_HUB} proxy_ignore_headers X-Accel-Buffering; proxy_read_timeout 1h;`,
    )
    for (const path of ['/channels/a', '/channels/a?padding=1']) {
      let bytes = 0
      const socket = net.connect(port, '127.0.0.1').on('data', (some) => {
        bytes += some.length
      })
      onTestFinished(() => {
        socket.destroy()
      })
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      const isSubscribed = async () => (await hub.metric('piazza_streams')) > 0
      await waitFor('the stream', isSubscribed)
      await hub.send('a', 'hello')
      const startedMs = performance.now()
      await waitFor('2 s to pass', () => performance.now() - startedMs > 2000)
      expect(bytes).toBe(0)
      await hub.send('a', 'x'.repeat(4096))
      await waitFor('a burst', () => bytes >= 4096)
      socket.destroy()
      await waitFor('no stream', async () => !(await isSubscribed()))
    }
  })

  test('gzip for text/event-stream compresses in spite of no-transform; what is sent comes at once', async () => {
    const hub = await startHub()
    const port = await startBare(hub.port, ONE_HUB, 'gzip on; gzip_types text/event-stream;')
    const answer = await fetch(`http://127.0.0.1:${port}/channels/a`, {
      signal: AbortSignal.timeout(10_000),
    })
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader.read()).value).toContain('piazza.open')
    await hub.send('a', 'hello')
    expect((await reader.read()).value).toContain('hello')
    await reader.cancel()
  })

  test('without max_fails=0 it goes on to answer 502 when the hubs are there again', async () => {
    const first = await startHub()
    const other = await freePort()
    const upstream = `upstream hubs { server 127.0.0.1:HUB; server 127.0.0.1:${other}; }`
    const port = await startBare(first.port, 'proxy_pass http://hubs;', upstream)
    await first.app.close(0)
    expect((await request(port, 'GET', '/livez')).status).toBe(502)
    const again = await startHub({ PIAZZA_PORT: `${first.port}` })
    expect((await again.get('/livez')).status).toBe(200)
    expect((await request(port, 'GET', '/livez')).status).toBe(502)
  })
})
