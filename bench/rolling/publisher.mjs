import { sleep } from '../load/sleep.mjs'

/** Publishes 1, 2, 3, … at this rate, each until a hub has stored it, and counts what was not stored at once. */
export function publishOnAndOn(ports, perSecond) {
  const state = { stored: 0, refused: 0, isOver: false }
  const store = async (number) => {
    for (let attempt = 0; ; attempt += 1) {
      const port = ports[(number + attempt) % ports.length]
      if (await publish(port, number)) return
      state.refused += 1
      await sleep(100)
    }
  }
  const run = async () => {
    const startedMs = performance.now()
    for (let number = 1; !state.isOver; number += 1) {
      await store(number)
      state.stored = number
      await sleep(Math.max(0, startedMs + (number * 1000) / perSecond - performance.now()))
    }
  }
  const ended = run()
  const stop = () => {
    state.isOver = true
    return ended
  }
  return { state, stop }
}

function publish(port, number) {
  const message = { channel: 'news', data: String(number), idempotencyKey: `news ${number}` }
  return fetch(`http://127.0.0.1:${port}/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  }).then(
    ({ status }) => status === 201 || status === 200,
    () => false,
  )
}
