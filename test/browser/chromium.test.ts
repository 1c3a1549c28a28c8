import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { waitFor } from '../support/wait.ts'

const run = promisify(execFile)
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

let browser: Browser
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
})
afterAll(async () => {
  await browser.close()
})

/** An empty page of an origin of its own. */
async function openPage(): Promise<{ page: Page; origin: string }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>reader</title>')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const page = await browser.newPage()
  onTestFinished(async () => {
    await page.close()
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await page.goto(origin)
  return { page, origin }
}

/** Follows `path` in the page with a plain EventSource, and keeps what it hears. */
async function follow(page: Page, url: string): Promise<void> {
  await page.evaluate((target) => {
    const heard: string[] = []
    const source = new EventSource(target)
    for (const [event, prefix] of [
      ['message', ''],
      ['score', 'score '],
      ['piazza.gap', 'gap '],
    ] as const) {
      source.addEventListener(event, (message) => {
        heard.push(prefix + String((message as MessageEvent).data))
      })
    }
    Object.assign(globalThis, { heard, source })
  }, url)
  await waitFor(
    'the EventSource to open',
    async () => (await readyState(page)) === EventSourceState.OPEN,
  )
}

const EventSourceState = { CONNECTING: 0, OPEN: 1, CLOSED: 2 } as const

const heardBy = (page: Page): Promise<string[]> => page.evaluate('heard')
const readyState = (page: Page): Promise<number> => page.evaluate('source.readyState')

test('an EventSource of another origin follows what curl publishes', async () => {
  const { page, origin } = await openPage()
  const hub = await startHub({ PIAZZA_CORS_ORIGINS: origin })
  await follow(page, `${hub.url}/channels/news`)
  await run('curl', ['-sS', '-d', 'hello', `${hub.url}/channels/news`])
  await run('curl', ['-sS', '-d', '2:1', `${hub.url}/channels/news?event=score`])
  await waitFor('both messages', async () => (await heardBy(page)).length === 2)
  expect(await heardBy(page)).toEqual(['hello', 'score 2:1'])
})

test('an EventSource that is cut again and again hears every message once', async () => {
  const { page, origin } = await openPage()
  const hub = await startHub({
    PIAZZA_CORS_ORIGINS: origin,
    PIAZZA_STREAM_MAX_AGE: '1s',
    PIAZZA_RETRY_MIN: '50ms',
    PIAZZA_RETRY_MAX: '100ms',
  })
  await follow(page, `${hub.url}/channels/news`)
  // the first cut comes before any message
  await waitFor('a first cut', async () => (await hub.metric('piazza_streams_opened_total')) >= 2)
  const expected: string[] = []
  let opened = 0
  while (opened < 5) {
    expected.push(`message ${expected.length}`)
    await hub.send('news', expected.at(-1))
    opened = await hub.metric('piazza_streams_opened_total')
  }
  await waitFor('the last message', async () => (await heardBy(page)).includes(expected.at(-1)!))
  expect(await heardBy(page)).toEqual(expected)
})

test('the end of a channel stops an EventSource for good', async () => {
  const { page, origin } = await openPage()
  const hub = await startHub({
    PIAZZA_CORS_ORIGINS: origin,
    PIAZZA_RETRY_MIN: '50ms',
    PIAZZA_RETRY_MAX: '50ms',
  })
  let requests = 0
  page.on('request', (request) => {
    if (request.url().startsWith(hub.url)) requests += 1
  })
  await hub.send('answer', 'once')
  await follow(page, `${hub.url}/channels/answer?since=all`)
  await hub.send('answer', 'done', { end: true })
  await waitFor(
    'the EventSource to close',
    async () => (await readyState(page)) === EventSourceState.CLOSED,
  )
  expect(await heardBy(page)).toEqual(['once', 'done'])
  const before = requests
  expect(before).toBe(2) // the stream, and the 204 that ends it
  await waitFor('ten times the reconnection time', elapsed(500))
  expect(requests).toBe(before)
})

test('a restarted hub tells the page that the log was lost', async () => {
  const { page, origin } = await openPage()
  const settings = {
    PIAZZA_CORS_ORIGINS: origin,
    PIAZZA_RETRY_MIN: '50ms',
    PIAZZA_RETRY_MAX: '50ms',
  }
  const first = await startHub(settings)
  await follow(page, `${first.url}/channels/news`)
  await first.send('news', 'before')
  await waitFor('the first message', async () => (await heardBy(page)).length === 1)
  await first.app.close(0)
  const second = await startHub({ ...settings, PIAZZA_PORT: String(first.port) })
  // fetch may still hold a connection to the first
  const streams = () => second.metric('piazza_streams').catch(() => 0)
  await waitFor('the stream at the new hub', async () => (await streams()) === 1)
  await second.send('news', 'after')
  await waitFor('the message after', async () => (await heardBy(page)).includes('after'))
  const [before, gap, after] = await heardBy(page)
  expect([before, after]).toEqual(['before', 'after'])
  expect(JSON.parse(gap!.slice('gap '.length))).toMatchObject({ reason: 'reset', channels: null })
})

function elapsed(ms: number): () => boolean {
  const startedMs = performance.now()
  return () => performance.now() - startedMs >= ms
}
