// The log of a build. Start the hub with PIAZZA_CORS_ORIGINS=http://localhost:3000 script/server
//
// Lines are published as plain text, as `curl --data-binary` would. Each has an idempotency key, so that sending a
// line again after a failure is safe. A reader that loses its connection goes on behind the last line it had.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { collect, complain, hub, isHeadless, opened, post, servePage, subscribe } from './hub.mjs'

const LINES = [
  '$ npm ci',
  'added 132 packages in 4s',
  '$ npm run build',
  '$ npm test',
  'ok 1 - a frame is one block',
  'ok 2 - a position is never given out twice',
]

function writeLine(channel, number) {
  return post(`/channels/${channel}`, LINES[number], { 'idempotency-key': `${channel}/${number}` })
}

async function build(channel, delayMs) {
  for (const number of LINES.keys()) {
    await writeLine(channel, number)
    await sleep(delayMs)
  }
  await post(`/channels/${channel}?event=result&end=true`, 'passed')
}

const page = `<!doctype html>
<meta charset="utf-8">
<title>Build log</title>
<button>Build</button>
<pre></pre>
<script type="module">
  const log = document.querySelector('pre')
  let source
  document.querySelector('button').onclick = async () => {
    const { channel } = await (await fetch('/build', { method: 'POST' })).json()
    source?.close() // of the build before
    log.textContent = ''
    source = new EventSource('${hub}/channels/' + channel + '?since=all')
    source.onmessage = (event) => log.append(event.data + '\\n')
    source.addEventListener('result', (event) => {
      log.append('-- ' + event.data)
      source.close()
    })
    source.addEventListener('piazza.gap', () => log.append('(earlier lines may be missing)\\n'))
  }
</script>`

if (isHeadless) {
  const channel = `builds.${randomUUID()}`
  const stream = await opened(subscribe(`/channels/${channel}`))
  const building = build(channel, 10)
  const before = await collect(stream, 3)
  await stream.return() // the connection is lost
  await sleep(30)
  const after = await collect(subscribe(`/channels/${channel}`, before.at(-1).id))
  await building

  const lines = [...before, ...after].map(({ data }) => data)
  console.log(lines.join('\n'))
  assert.deepEqual(lines, [...LINES, 'passed'])
  const { duplicate } = await writeLine(channel, 2)
  console.log('a line that is sent again is a duplicate:', duplicate)
  assert.equal(duplicate, true)
} else {
  servePage(page, {
    build: () => {
      const channel = `builds.${randomUUID()}`
      build(channel, 500).catch(complain)
      return { channel }
    },
  })
}
