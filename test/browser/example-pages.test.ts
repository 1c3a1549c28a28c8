import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { waitFor } from '../support/wait.ts'

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const CLOSED = 2

let browser: Browser
beforeAll(async () => {
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-component-update']
  browser = await chromium.launch({ executablePath: CHROMIUM, args })
})
afterAll(async () => {
  await browser.close()
})

/** The page of an example, in a browser that keeps every EventSource it opens in `sources`. */
async function openExample(name: string): Promise<Page> {
  const hub = await startHub({ PIAZZA_CORS_ORIGINS: '*' })
  const file = fileURLToPath(new URL(`../../examples/${name}.mjs`, import.meta.url))
  const env = { PATH: process.env['PATH'], HUB_URL: hub.url, PORT: '0' }
  const example = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    example.kill('SIGKILL')
  })
  let origin: string | undefined
  createInterface({ input: example.stdout }).on('line', (line) => {
    origin ??= /^open (.*)$/.exec(line)?.[1]
  })
  await waitFor('the page of the example', () => origin !== undefined)
  const page = await browser.newPage()
  onTestFinished(() => page.close())
  await page.addInitScript(`
    globalThis.sources = []
    globalThis.EventSource = class extends EventSource {
      constructor(url) { super(url); sources.push(this) }
    }`)
  await page.goto(origin!)
  return page
}

const statesIn = (page: Page): Promise<number[]> =>
  page.evaluate('sources.map((source) => source.readyState)')

test.each(['llm-answer', 'build-log', 'delivery'])(
  'a second click in the page of %s lets go of the first stream',
  async (name) => {
    const page = await openExample(name)
    for (const count of [1, 2]) {
      await page.click('button')
      await waitFor(`stream ${count}`, async () => (await statesIn(page)).length === count)
    }
    const [first, second] = await statesIn(page)
    expect(first).toBe(CLOSED)
    expect(second).not.toBe(CLOSED)
  },
)
