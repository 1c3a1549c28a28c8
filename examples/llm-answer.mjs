// An answer that appears word by word. Start the hub with PIAZZA_CORS_ORIGINS=http://localhost:3000 script/server
//
// Each answer is a channel of its own. `end` with the last message closes all its streams and keeps browsers from
// coming back; `since=all` gives a page that opens late, or a second tab, the answer from its first word.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  collect,
  complain,
  hub,
  isHeadless,
  opened,
  publish,
  servePage,
  subscribe,
} from './hub.mjs'

const ANSWER = `A stream of events is one HTTP answer that does not end.
The server writes a block when it has something to say,
and the browser comes back by itself when the connection is lost.`
const TOKENS = ANSWER.match(/\s*\S+/g)

async function answer(channel, delayMs) {
  for (const token of TOKENS) {
    await publish({ channel, data: token })
    await sleep(delayMs)
  }
  await publish({ channel, event: 'done', data: { tokens: TOKENS.length }, end: true })
}

function textOf(messages) {
  const tokens = messages.filter(({ event }) => event === 'message').map(({ data }) => data)
  return tokens.join('')
}

const page = `<!doctype html>
<meta charset="utf-8">
<title>LLM answer</title>
<form><input name="question" size="40" value="What is an event stream?"> <button>Ask</button></form>
<p id="answer" style="white-space: pre-wrap"></p>
<p>Open this address in a second tab while the answer is being written.</p>
<script type="module">
  const place = document.querySelector('#answer')
  let source
  function show(channel) {
    source?.close() // of the question before
    place.textContent = ''
    source = new EventSource('${hub}/channels/' + channel + '?since=all')
    source.onmessage = (event) => place.append(event.data)
    // After the end a reconnect would get 204, and the browser would stop: closing saves that request.
    source.addEventListener('done', () => source.close())
  }
  document.forms[0].onsubmit = async (event) => {
    event.preventDefault()
    const { channel } = await (await fetch('/ask', { method: 'POST' })).json()
    location.hash = channel
    show(channel)
  }
  if (location.hash !== '') show(location.hash.slice(1))
</script>`

if (isHeadless) {
  const channel = `answers.${randomUUID()}`
  const first = await opened(subscribe(`/channels/${channel}`))
  const writing = answer(channel, 10)
  const begun = await collect(first, 5)
  const late = collect(subscribe(`/channels/${channel}?since=all`))
  const rest = await collect(first)
  await writing

  console.log('first reader:', JSON.stringify(textOf([...begun, ...rest])))
  console.log('late reader: ', JSON.stringify(textOf(await late)))
  assert.equal(textOf([...begun, ...rest]), ANSWER)
  assert.equal(textOf(await late), ANSWER)
  assert.equal(rest.at(-1).event, 'done')
  const back = await collect(subscribe(`/channels/${channel}`, rest.at(-1).id))
  console.log('a reader who comes back after the end gets', back.length, 'messages: 204')
  assert.deepEqual(back, [])
} else {
  servePage(page, {
    ask: () => {
      const channel = `answers.${randomUUID()}`
      answer(channel, 150).catch(complain)
      return { channel }
    },
  })
}
