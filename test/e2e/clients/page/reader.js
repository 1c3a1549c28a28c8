// Runs in a browser: follows what the test's server asks for, and reports to it what is heard.
import { fetchEventSource } from '@microsoft/fetch-event-source'

/** Reports reach the server in order. */
let reported = Promise.resolve()
const report = (entry) => {
  reported = reported.then(() => fetch('/reports', { method: 'POST', body: JSON.stringify(entry) }))
}

/** @type {Map<number, () => void>} */
const closes = new Map()

const start = {
  EventSource: ({ follower, url, events }) => {
    const source = new EventSource(url)
    for (const type of events) {
      source.addEventListener(type, ({ data, lastEventId }) => {
        report({ follower, heard: { event: type, data, id: lastEventId } })
      })
    }
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) report({ follower, isOver: true })
    })
    return () => source.close()
  },

  fetchEventSource: (task) => startFetchEventSource(task),

  // the library keeps the id of a block that isn't whole: only one that was heard is asked for
  fetchEventSourceWithOwnId: (task) =>
    startFetchEventSource(task, (lastId) => (input, init) => {
      const headers = new Headers(init.headers)
      if (lastId() !== '') headers.set('Last-Event-ID', lastId())
      return fetch(input, { ...init, headers })
    }),
}

function startFetchEventSource({ follower, url }, createFetch) {
  class Over extends Error {}
  const stopped = new AbortController()
  let lastId = ''
  const over = fetchEventSource(url, {
    fetch: createFetch?.(() => lastId),
    signal: stopped.signal,
    openWhenHidden: true,
    onopen: async (response) => {
      if (response.status === 204) throw new Over()
      if (!response.ok) throw new Error(`status ${response.status}`)
    },
    onmessage: ({ event, data, id }) => {
      lastId = id || lastId
      report({ follower, heard: { event: event || 'message', data, id: lastId } })
    },
    // without this a clean end is the end of all
    onclose: () => {
      throw new Error('come back')
    },
    onerror: (error) => {
      if (error instanceof Over) throw error
    },
  })
  over.catch(() => report({ follower, isOver: true }))
  return () => stopped.abort()
}

for (;;) {
  const task = await (await fetch('/task')).json() // answered when there is one
  if (task.reader === undefined) {
    closes.get(task.follower)?.()
    report({ follower: task.follower, isClosed: true })
  } else closes.set(task.follower, start[task.reader](task))
}
