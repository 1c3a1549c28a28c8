import { afterAll, beforeAll } from 'vitest'
import { type Browser } from './browsers.ts'
import { type Client } from './client.ts'
import { type PageServer, type Reader, startPageServer } from './page-server.ts'

const LOAD_DEADLINE_MS = 60_000

/** Opens a browser for all tests of a file; the client is there when a test begins. */
export function usePage(openBrowser: (url: string) => Promise<Browser>): {
  client(reader: Reader): Client
} {
  let server: PageServer | undefined
  let browser: Browser | undefined
  beforeAll(async () => {
    server = await startPageServer()
    browser = await openBrowser(server.url)
    const opened = browser
    await server.waitForPage(LOAD_DEADLINE_MS).catch((error: Error) => {
      throw new Error(`${error.message}; the browser said: ${opened.said()}`)
    })
  }, 2 * LOAD_DEADLINE_MS)
  afterAll(async () => {
    await browser?.close()
    server?.close()
  })
  return { client: (reader) => server!.client(reader) }
}
