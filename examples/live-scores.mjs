// Several matches on one page. Start the hub with PIAZZA_CORS_ORIGINS=http://localhost:3000 script/server
//
// One stream of several channels, with a named event for each kind of message. `envelope=1` tells which channel each
// came from, `events=goal` keeps to goals. When the last match has ended the hub closes the stream.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { collect, hub, isHeadless, opened, publish, servePage, subscribe } from './hub.mjs'

// Channels that have ended stay ended, so each run plays matches of its own.
const day = `matches.${randomUUID().slice(0, 8)}`
const MATCHES = ['ajax-benfica', 'celtic-porto', 'genoa-lyon']
const CHANNELS = MATCHES.map((match) => `${day}.${match}`)
const STREAM = `/channels/${CHANNELS.join()}?envelope=1&since=all`
const SCRIPT = [
  [0, 'goal', '1:0'],
  [1, 'card', 'yellow, 7'],
  [2, 'goal', '0:1'],
  [0, 'goal', '1:1'],
  [2, 'goal', '1:1'],
]

async function play(delayMs) {
  for (const [match, event, text] of SCRIPT) {
    await publish({ channel: CHANNELS[match], event, data: { text } })
    await sleep(delayMs)
  }
  for (const channel of CHANNELS) {
    await publish({ channel, event: 'final', data: { text: 'full time' }, end: true })
    await sleep(delayMs)
  }
}

const page = `<!doctype html>
<meta charset="utf-8">
<title>Live scores</title>
${CHANNELS.map((channel, i) => `<h2>${MATCHES[i]}</h2><ul id="${channel}"></ul>`).join('')}
<script type="module">
  const source = new EventSource('${hub}${STREAM}')
  for (const type of ['goal', 'card', 'final']) {
    source.addEventListener(type, (event) => {
      const { channel, data } = JSON.parse(event.data) // the envelope; data is the text that was published
      const item = document.createElement('li')
      item.textContent = type + ' ' + JSON.parse(data).text
      document.getElementById(channel).append(item)
    })
  }
</script>`

if (isHeadless) {
  const all = await opened(subscribe(STREAM))
  const goals = await opened(subscribe(`${STREAM}&events=goal`))
  const [received, onlyGoals] = await Promise.all([collect(all), collect(goals), play(5)])

  const lines = received.map(({ event, data }) => {
    const envelope = JSON.parse(data)
    const match = MATCHES[CHANNELS.indexOf(envelope.channel)]
    return `${match}: ${event} ${JSON.parse(envelope.data).text}`
  })
  console.log(lines.join('\n'))
  console.log('with events=goal:', onlyGoals.map(({ event }) => event).join())
  assert.deepEqual(lines, [
    ...SCRIPT.map(([match, event, text]) => `${MATCHES[match]}: ${event} ${text}`),
    ...MATCHES.map((match) => `${match}: final full time`),
  ])
  // A message with `end` passes every filter: a page must hear that nothing will follow.
  assert.equal(onlyGoals.map(({ event }) => event).join(), 'goal,goal,goal,goal,final,final,final')
} else {
  servePage(page)
  await sleep(3000)
  await play(2000)
}
