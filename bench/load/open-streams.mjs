import { sleep } from './sleep.mjs'
import { Stream } from './stream.mjs'

/** Connects that are not answered yet. */
const UNANSWERED = 50
const ANSWER_DEADLINE_MS = 30_000

const pathOf = (channel) => `/channels/${channel}`

/** Opens `count` streams, the i-th on `channelOf(i)`; each has been sent its head and opening block. */
export async function openStreams(url, count, channelOf, onContentOf = () => undefined) {
  return openAll(url, count, UNANSWERED, (i) => ({
    request: streamRequest(pathOf(channelOf(i))),
    onContent: onContentOf(i),
  }))
}

/** `Accept` as every EventSource sends it. */
export function streamRequest(path, lastEventId) {
  const resume = lastEventId === undefined ? '' : `Last-Event-ID: ${lastEventId}\r\n`
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n${resume}\r\n`
}

/** Opens `count` streams as `of(i)` says, with so many not answered yet at any time. */
export async function openAll(url, count, unanswered, of) {
  const { hostname, port } = new URL(url)
  const streams = []
  const openOne = (i) =>
    new Promise((resolve, reject) => {
      streams[i] = new Stream({
        port: Number(port),
        hostname,
        ...of(i),
        answerDeadlineMs: ANSWER_DEADLINE_MS,
        onAnswer: (error) => (error === undefined ? resolve() : reject(error)),
      })
    })
  let next = 0
  const openOn = async () => {
    while (next < count) {
      next += 1
      await openOne(next - 1)
    }
  }
  await Promise.all(Array.from({ length: Math.min(unanswered, count) }, openOn))
  return streams
}

/** Closes them, and waits until the hub has seen it. */
export async function closeStreams(url, streams) {
  for (const stream of streams) stream.close()
  while ((await openCount(url)) > 0) await sleep(100)
}

async function openCount(url) {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^piazza_streams (\d+)$/m.exec(text)[1])
}
