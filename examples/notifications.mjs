// A channel for each user. Start the hub with PIAZZA_CORS_ORIGINS=http://localhost:3000 script/server
//
// A message to several users is one publish, and has one id. A page that keeps the id of the last notification it
// showed gets what came while it was closed; where that can't be proved, `piazza.gap` says so.
//
// The hub can't tell one reader from another yet: a name that nobody can guess is what keeps others out.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { collect, hub, isHeadless, opened, publish, servePage, subscribe } from './hub.mjs'

const inboxes = new Map(['ann', 'bob'].map((user) => [user, `users.${randomUUID()}`]))

function notify(users, text) {
  return publish({ channels: users.map((user) => inboxes.get(user)), data: { text } })
}

function textsOf(messages) {
  return messages.map(({ data }) => JSON.parse(data).text)
}

const page = `<!doctype html>
<meta charset="utf-8">
<title>Notifications</title>
<p>You are <select><option>ann<option>bob</select></p>
<p>Notify <button value="ann">ann</button> <button value="bob">bob</button> <button value="ann,bob">both</button></p>
<ul></ul>
<script type="module">
  const select = document.querySelector('select')
  const list = document.querySelector('ul')
  let source
  function add(text) {
    const item = document.createElement('li')
    item.textContent = text
    list.append(item)
  }
  async function open() {
    source?.close()
    list.textContent = ''
    const { channel } = await (await fetch('/inbox?user=' + select.value, { method: 'POST' })).json()
    const last = localStorage.getItem(channel)
    source = new EventSource('${hub}/channels/' + channel + '?since=all&lastEventId=' + (last ?? ''))
    source.onmessage = (event) => {
      add(JSON.parse(event.data).text)
      localStorage.setItem(channel, event.lastEventId)
    }
    source.addEventListener('piazza.gap', () => add('(some may be missing: ask the database)'))
  }
  select.onchange = open
  for (const button of document.querySelectorAll('button')) {
    button.onclick = () => fetch('/notify?users=' + button.value, { method: 'POST' })
  }
  open()
</script>`

if (isHeadless) {
  const path = (user) => `/channels/${inboxes.get(user)}`
  const ann = await opened(subscribe(path('ann')))
  const bob = await opened(subscribe(path('bob')))
  const { id } = await notify(['ann', 'bob'], 'the office is closed tomorrow')
  await notify(['bob'], 'your parcel is here')
  const [forAnn] = await collect(ann, 1)
  const forBob = await collect(bob, 2)
  await ann.return() // ann's page is closed
  await notify(['bob'], 'lunch?')
  await notify(['ann'], 'while you were away')
  const back = subscribe(path('ann'), forAnn.id)
  const missed = await collect(back, 1)
  await Promise.all([back.return(), bob.return()])

  console.log('ann:', textsOf([forAnn]), 'and when she is back:', textsOf(missed))
  console.log('bob:', textsOf(forBob))
  assert.deepEqual([forAnn.id, forBob[0].id], [id, id])
  assert.deepEqual(textsOf(forBob), ['the office is closed tomorrow', 'your parcel is here'])
  assert.deepEqual(textsOf(missed), ['while you were away'])
} else {
  servePage(page, {
    inbox: ({ user }) => ({ channel: inboxes.get(user) }),
    notify: ({ users }) =>
      notify(users.split(','), `for ${users} at ${new Date().toLocaleTimeString()}`),
  })
}
