import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../../support/wait.ts'
import { type Client, type Heard } from './client.ts'

/** The ways of reading a stream that the page knows. */
export type Reader = 'EventSource' | 'fetchEventSource' | 'fetchEventSourceWithOwnId'

interface Task {
  readonly follower: number
  /** Undefined: close it. */
  readonly reader?: Reader
  readonly url?: string
  readonly events?: readonly string[]
}

interface Report {
  readonly follower: number
  readonly heard?: Heard
  readonly isOver?: boolean
  readonly isClosed?: boolean
}

interface PageFollower {
  readonly heard: Heard[]
  isOver: boolean
  isClosed: boolean
}

/**
 * Serves one page, which needs no driver: it asks for tasks and reports what it hears, over HTTP. Hubs listen on other
 * ports, so all that it follows is of another origin.
 */
export interface PageServer {
  readonly url: string
  /** What the page can do. */
  client(reader: Reader): Client
  /** Resolves when a browser has loaded the page. */
  waitForPage(deadlineMs: number): Promise<void>
  close(): void
}

const FETCH_EVENT_SOURCE = dirname(
  createRequire(import.meta.url).resolve('@microsoft/fetch-event-source/lib/esm/index.js'),
)
const READER = fileURLToPath(new URL('page/reader.js', import.meta.url))
const IMPORTS = { '@microsoft/fetch-event-source': '/fetch-event-source/index.js' }
const PAGE = `<!doctype html><title>reader</title>
<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>
<script type="module" src="/reader.js"></script>`
const CLOSE_DEADLINE_MS = 20_000

export async function startPageServer(): Promise<PageServer> {
  const tasks: Task[] = []
  const followers: PageFollower[] = []
  let waiting: ServerResponse | undefined
  let isLoaded = false

  const giveTask = () => {
    if (waiting === undefined || tasks.length === 0) return
    waiting.end(JSON.stringify(tasks.shift()))
    waiting = undefined
  }
  const give = (task: Task) => {
    tasks.push(task)
    giveTask()
  }
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '/'
    if (path === '/') response.setHeader('Content-Type', 'text/html').end(PAGE)
    else if (path === '/task') {
      isLoaded = true
      waiting = response
      giveTask()
    } else if (path === '/reports') {
      let body = ''
      for await (const part of request.setEncoding('utf8')) body += part
      take(followers, JSON.parse(body) as Report)
      response.end()
    } else if (path.endsWith('/favicon.ico')) response.writeHead(404).end()
    else {
      const text = await readFile(fileOf(path))
      response.setHeader('Content-Type', 'text/javascript').end(text)
    }
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const client = (reader: Reader): Client => ({
    origin,
    follow: async (url, events) => {
      const state: PageFollower = { heard: [], isOver: false, isClosed: false }
      const follower = followers.push(state) - 1
      give({ follower, reader, url, events })
      return {
        heard: state.heard,
        get isOver() {
          return state.isOver
        },
        close: async () => {
          give({ follower })
          await waitFor('the page to close its reader', () => state.isClosed, CLOSE_DEADLINE_MS)
        },
      }
    },
  })
  return {
    url: `${origin}/`,
    client,
    waitForPage: (deadlineMs) =>
      waitFor('the browser to load the page', () => isLoaded, deadlineMs),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

function take(followers: readonly PageFollower[], report: Report): void {
  const follower = followers[report.follower]!
  if (report.heard !== undefined) follower.heard.push(report.heard)
  follower.isOver ||= report.isOver ?? false
  follower.isClosed ||= report.isClosed ?? false
}

/** The library imports its own files without extension. */
function fileOf(path: string): string {
  const [, folder, name = ''] = /^\/(fetch-event-source\/)?([a-z-]+)(?:\.js)?$/.exec(path) ?? []
  return folder === undefined ? READER : `${FETCH_EVENT_SOURCE}/${name}.js`
}
