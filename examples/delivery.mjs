// Where a delivery is. Start the hub with PIAZZA_CORS_ORIGINS=http://localhost:3000 script/server
//
// Most places on the way are worth nothing a second later: they are `ephemeral`, so they are not stored. Every fifth
// is stored: with `last=1` a page that opens now has a place to show at once. The arrival ends the channel.
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

const STEPS = 20
const STORED_EVERY = 5

function placeAt(step) {
  return { step, x: step / STEPS, y: Math.sin(step / 3) }
}

function report(channel, step) {
  const ephemeral = step % STORED_EVERY !== 0
  return publish({ channel, event: 'place', data: placeAt(step), ephemeral })
}

function arrive(channel) {
  return publish({ channel, event: 'arrived', data: placeAt(STEPS), end: true })
}

async function drive(channel) {
  for (let step = 0; step < STEPS; step += 1) {
    await report(channel, step)
    await sleep(500)
  }
  await arrive(channel)
}

function stepsOf(messages) {
  return messages.map(({ data }) => JSON.parse(data).step)
}

const page = `<!doctype html>
<meta charset="utf-8">
<title>Delivery</title>
<button>Send a parcel</button> <span></span>
<svg viewBox="-0.1 -1.2 1.2 2.4" width="600" height="300"><circle r="0.05"></circle></svg>
<script type="module">
  const dot = document.querySelector('circle')
  const state = document.querySelector('span')
  let source
  function show(event) {
    const { x, y } = JSON.parse(event.data)
    dot.setAttribute('cx', x)
    dot.setAttribute('cy', y)
    state.textContent = event.type
  }
  function watch(channel) {
    source?.close() // of the parcel before
    source = new EventSource('${hub}/channels/' + channel + '?last=1')
    source.addEventListener('place', show)
    source.addEventListener('arrived', (event) => {
      show(event)
      source.close()
    })
  }
  document.querySelector('button').onclick = async () => {
    const { channel } = await (await fetch('/send', { method: 'POST' })).json()
    location.hash = channel
    watch(channel)
  }
  if (location.hash !== '') watch(location.hash.slice(1))
</script>`

if (isHeadless) {
  const channel = `deliveries.${randomUUID()}`
  const path = `/channels/${channel}?last=1`
  const early = await opened(subscribe(path))
  for (let step = 0; step < 8; step += 1) await report(channel, step)
  const late = await opened(subscribe(path))
  const [newest] = await collect(late, 1)
  for (let step = 8; step < 10; step += 1) await report(channel, step)
  await arrive(channel)

  const forEarly = await collect(early)
  const forLate = await collect(late)
  console.log('there from the start:', stepsOf(forEarly).join())
  console.log('came later, at once: ', stepsOf([newest]).join(), 'then', stepsOf(forLate).join())
  assert.deepEqual(stepsOf(forEarly), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, STEPS])
  assert.deepEqual(stepsOf([newest, ...forLate]), [5, 8, 9, STEPS])
  const stored = forEarly.filter(({ id }) => id !== undefined)
  assert.deepEqual(stepsOf(stored), [0, 5, STEPS], 'only what is stored has an id')
} else {
  servePage(page, {
    send: () => {
      const channel = `deliveries.${randomUUID()}`
      drive(channel).catch(complain)
      return { channel }
    },
  })
}
