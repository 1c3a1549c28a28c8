import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { waitFor } from '../../support/wait.ts'
import { FIREFOX_PREFERENCES } from './firefox-preferences.ts'
import { keep } from './keep.ts'

/** A browser that shows one page. */
export interface Browser {
  /** What it printed. */
  said(): string
  close(): Promise<void>
}

const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const DISPLAY_DEADLINE_MS = 20_000

export async function openChromium(url: string): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS })
  const page = await browser.newPage()
  await page.goto(url)
  return { said: () => '', close: () => browser.close() }
}

/** Without driver: a profile of its own, and nothing that connects to anywhere. */
export async function openFirefox(url: string): Promise<Browser> {
  const home = await mkdtemp(join(tmpdir(), 'piazza-firefox-'))
  const preferences = Object.entries(FIREFOX_PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  )
  await writeFile(join(home, 'user.js'), preferences.join(''))
  const installed = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((path) => existsSync(path))
  const firefox = process.env['FIREFOX'] ?? installed ?? 'firefox'
  const browser = keep([firefox, '--headless', '--no-remote', '--profile', home, url], {
    HOME: home,
  })
  return {
    said: () => browser.said(),
    close: async () => {
      await browser.stop()
      await rm(home, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** WebKitGTK's own small browser, on a display of its own that nobody sees. */
export async function openWebKit(url: string): Promise<Browser> {
  const home = await mkdtemp(join(tmpdir(), 'piazza-webkit-'))
  const screen = ['-screen', '0', '800x600x24', '-nolisten', 'tcp']
  const display = keep(['Xvfb', '-displayfd', '3', ...screen], {}, 'TERM') // removes its lock then
  let number = ''
  display.child.stdio[3]!.on('data', (bytes: Buffer) => {
    number += bytes.toString()
  })
  await waitFor(
    'a display of Xvfb',
    () => {
      if (display.isOver) throw new Error(`Xvfb ended: ${display.said()}`)
      return number.endsWith('\n')
    },
    DISPLAY_DEADLINE_MS,
  )
  const browser = keep([findMiniBrowser(), url], {
    HOME: home,
    DISPLAY: `:${number.trim()}`,
    GDK_BACKEND: 'x11',
    GSK_RENDERER: 'cairo', // there is no graphics card
    // its sandbox needs namespaces, which containers may not give; it loads our own page only
    WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
  })
  return {
    said: () => browser.said(),
    close: async () => {
      await browser.stop()
      await display.stop()
      await rm(home, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** In the folder of the machine's architecture. */
function findMiniBrowser(): string {
  const given = process.env['MINIBROWSER']
  if (given !== undefined) return given
  const paths = readdirSync('/usr/lib').flatMap((folder) =>
    ['webkitgtk-6.0', 'webkit2gtk-4.1'].map(
      (version) => `/usr/lib/${folder}/${version}/MiniBrowser`,
    ),
  )
  const found = paths.find((path) => existsSync(path))
  if (found === undefined)
    throw new Error('WebKitGTK has no MiniBrowser here: see script/prepare-tests')
  return found
}
