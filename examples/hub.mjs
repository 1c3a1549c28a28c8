// What the examples share: publish and subscribe over fetch, and a server for one page. Node's built-ins only.
import { createServer } from 'node:http'

export const hub = process.env.HUB_URL ?? 'http://localhost:8080'
/** Plays both sides in the terminal, checks what came, and exits. */
export const isHeadless = process.argv.includes('--headless')

const port = Number(process.env.PORT ?? 3000)
/** A hub with access configured takes a publish with one of its keys. */
const [key] = process.env.PIAZZA_PUBLISH_KEYS?.split(',') ?? []
/** A broken run fails instead of waiting for ever. */
const HEADLESS_DEADLINE_MS = 15_000

/** What a person can put right is told in one line, without a stack. */
class Mistake extends Error {}

export function complain(error) {
  console.error(error instanceof Mistake ? error.message : error)
}

process.on('uncaughtException', (error) => {
  complain(error)
  process.exit(1)
})

async function ask(path, options) {
  const answer = await fetch(hub + path, options).catch(() => {
    throw new Mistake(`no hub answers at ${hub}: start it with script/server, or set HUB_URL`)
  })
  if (!answer.ok) throw new Mistake(`${path}: ${answer.status} ${await answer.text()}`)
  return answer
}

/** Publishes one message, or an array of them. */
export function publish(message) {
  return post('/publish', JSON.stringify(message), { 'content-type': 'application/json' })
}

export async function post(path, body, headers = {}) {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` }
  const answer = await ask(path, {
    method: 'POST',
    body,
    headers: { ...authorization, ...headers },
  })
  return answer.json()
}

/**
 * The events of a stream, control events (`piazza.…`) among them: `{ event, data, id }`. It ends when the hub closes
 * the stream; a channel that is over (204) gives none. A browser's EventSource does all this, and reconnects.
 */
export async function* subscribe(path, lastEventId = '') {
  const answer = await ask(path, {
    headers: { accept: 'text/event-stream', 'last-event-id': lastEventId },
    signal: isHeadless ? AbortSignal.timeout(HEADLESS_DEADLINE_MS) : null,
  })
  if (answer.status === 204) return
  let text = ''
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + piece).split('\n\n')
    text = blocks.pop()
    yield* blocks.map(parseBlock).filter((event) => event.data !== undefined)
  }
}

function parseBlock(block) {
  const fields = block.split('\n').map((line) => /^(\w*):? ?(.*)$/.exec(line))
  const valuesOf = (field) =>
    fields.filter(([, name]) => name === field).map(([, , value]) => value)
  const data = valuesOf('data')
  return {
    event: valuesOf('event').at(-1) ?? 'message',
    data: data.length === 0 ? undefined : data.join('\n'),
    id: valuesOf('id').at(-1),
  }
}

/** Waits until the stream is open: what is published from now on will come. */
export async function opened(stream) {
  const { value } = await stream.next()
  if (value?.event !== 'piazza.open') throw new Error('the stream did not open')
  return stream
}

/** The messages of a stream, without control events: `count` of them, or all until the hub closes it. */
export async function collect(stream, count = Number.POSITIVE_INFINITY) {
  const messages = []
  while (messages.length < count) {
    const { value, done } = await stream.next()
    if (done) break
    if (!value.event.startsWith('piazza.')) messages.push(value)
  }
  return messages
}

/** Serves `html` at / and each action at POST /<name>, which takes and answers JSON. */
export function servePage(html, actions = {}) {
  const server = createServer(async ({ method, url }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    const action = actions[pathname.slice(1)]
    try {
      if (pathname === '/') response.setHeader('content-type', 'text/html').end(html)
      else if (action === undefined || method !== 'POST') response.writeHead(404).end()
      else response.end(JSON.stringify(await action(Object.fromEntries(searchParams))))
    } catch (error) {
      complain(error)
      response.writeHead(500).end()
    }
  })
  server.on('error', (error) => {
    throw error.code === 'EADDRINUSE' ? new Mistake(`port ${port} is in use: set PORT`) : error
  })
  server.listen(port, 'localhost', async () => {
    const origin = `http://localhost:${server.address().port}`
    console.log(`open ${origin}`)
    await checkHub(origin)
  })
}

/** The page is of another origin than the hub, so the hub must allow it to read. */
async function checkHub(origin) {
  const answer = await fetch(`${hub}/livez`, { headers: { origin } }).catch(() => undefined)
  if (answer?.headers.has('access-control-allow-origin')) return
  const problem =
    answer === undefined ? `no hub answers at ${hub}` : `${hub} does not let this page read it`
  console.log(`${problem}: start it with PIAZZA_CORS_ORIGINS=${origin} script/server`)
}
