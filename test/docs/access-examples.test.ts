import { execFile, spawn } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { EventSource } from 'eventsource'
import { expect, onTestFinished, test } from 'vitest'
import { createFolder } from '../support/folder.ts'
import { freePort } from '../support/free-port.ts'
import { startHub, type TestHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { request } from '../support/request.ts'
import { SECRET, signHmac } from '../support/tokens.ts'
import { waitFor } from '../support/wait.ts'
import { readDocument, ROOT } from './markdown.ts'

const run = promisify(execFile)
const PYTHON = fileURLToPath(new URL('.cache/clients-venv/bin/python', ROOT))
const KEY = 'a-publish-key-of-24-char'
const RULES = { iss: 'https://shop.example.com', aud: 'piazza' }
const SETTINGS = {
  PIAZZA_PUBLISH_KEYS: KEY,
  PIAZZA_JWT_SECRET: SECRET,
  PIAZZA_JWT_ISSUER: RULES.iss,
  PIAZZA_JWT_AUDIENCE: RULES.aud,
}
const QUICK = { PIAZZA_RETRY_MIN: '10ms', PIAZZA_RETRY_MAX: '20ms' }
const CHANNEL = 'orders.42.status'

/** The example of docs/access.md in this language that has these words. */
function example(language: string, words: string): string {
  const fences = readDocument('docs/access.md').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)
  const found = [...fences].filter(([, of, code]) => of === language && code?.includes(words))
  expect(found.map(([, of]) => of)).toEqual([language])
  return found[0]![2]!
}

const NODE_BACKEND = example('js', 'export function createHubToken')

/** A folder where an example finds the packages and the other examples that it imports. */
function writeExample(name: string, code: string): string {
  const folder = createFolder()
  symlinkSync(fileURLToPath(new URL('node_modules', ROOT)), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'backend.mjs'), NODE_BACKEND)
  const path = join(folder, name)
  writeFileSync(path, code)
  return path
}

/** Runs the example of a backend until the test ends, and returns its port. */
async function startBackend(code: string): Promise<number> {
  const port = await freePort()
  const env = {
    PATH: process.env['PATH'],
    PIAZZA_JWT_SECRET: SECRET,
    PORT: `${port}`,
    COOKIE_SCOPE: '',
  }
  const file = writeExample('server.mjs', code)
  const server = spawn(process.execPath, [file], { env, stdio: 'ignore' })
  onTestFinished(() => {
    server.kill('SIGKILL')
  })
  await waitFor('the backend', () =>
    request(port, 'GET', '/').then(
      () => true,
      () => false,
    ),
  )
  return port
}

test.each([
  ['Node', process.execPath, 'backend.mjs', NODE_BACKEND],
  ['Python', PYTHON, 'backend.py', example('python', 'create_hub_token')],
  ['PHP', 'php', 'backend.php', example('php', 'create_hub_token')],
])('the backend in %s makes a token that the hub takes', async (_name, command, file, code) => {
  const env = { PATH: process.env['PATH'], PIAZZA_JWT_SECRET: SECRET }
  const { stdout } = await run(command, [writeExample(file, code)], { env, timeout: 15_000 })
  const hub = await startHub(SETTINGS)
  const headers = { Authorization: `Bearer ${stdout.trim()}` }
  expect((await openStream(hub.port, `/channels/${CHANNEL}`, { headers })).status).toBe(200)
  const other = await openStream(hub.port, '/channels/orders.43.status', { headers })
  expect(other.status).toBe(403)
})

test('the session of the cookie example opens a stream', async () => {
  const port = await startBackend(example('js', 'set-cookie'))
  expect((await request(port, 'POST', '/hub-session')).status).toBe(403)
  const answer = await request(port, 'POST', '/hub-session', { cookie: 'session=x' })
  const [cookie = ''] = answer.headers['set-cookie'] ?? []
  expect(cookie).toMatch(/; HttpOnly; SameSite=Lax; Max-Age=3600$/)
  const hub = await startHub({ PIAZZA_JWT_SECRET: SECRET })
  const headers = { Cookie: cookie.split(';')[0]! }
  expect((await openStream(hub.port, `/channels/${CHANNEL}`, { headers })).status).toBe(200)
})

test('the backend of the example with a token in the address gives one that opens a stream', async () => {
  const port = await startBackend(example('js', "'/hub-token' ||"))
  expect((await request(port, 'GET', '/hub-token')).status).toBe(403)
  const { status, text } = await request(port, 'GET', '/hub-token', { cookie: 'session=x' })
  expect(status).toBe(200)
  const hub = await startHub(SETTINGS)
  expect((await openStream(hub.port, `/channels/${CHANNEL}?token=${text}`)).status).toBe(200)
  const other = await openStream(hub.port, `/channels/orders.43.status?token=${text}`)
  expect(other.status).toBe(403)
})

const AsyncFunction = (async () => {}).constructor as FunctionConstructor

/**
 * Runs the code of a page, with what a browser, its backend and its login service give it. It waits a hundredth of the
 * time. The second token that it asks for can't be had: the network is down.
 */
function runPage(code: string, hub: TestHub, token: () => string) {
  const opened: EventSource[] = []
  onTestFinished(() => {
    for (const source of opened) source.close()
  })
  let cookie = `piazza_token=${signHmac({ ...RULES, exp: 1 })}` // left over from yesterday
  const Source = class extends EventSource {
    constructor(url: string) {
      super(url, {
        fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, cookie } }),
      })
      opened.push(this)
    }
  }
  let asked = 0
  const ask = async () => {
    asked += 1
    if (asked === 2) throw new TypeError('fetch failed')
    return token()
  }
  const shown: string[] = []
  const given = {
    EventSource: Source,
    HUB: hub.url,
    show: (text: string) => shown.push(text),
    setTimeout: (work: () => void, ms: number) => setTimeout(work, ms / 100),
    fetch: async (path: string) => {
      const text = await ask()
      if (path === '/hub-session') cookie = `piazza_token=${text}`
      return new Response(text)
    },
    location: { origin: RULES.iss },
    createAuth0Client: async () => ({ getTokenSilently: ask }),
    Keycloak: class {
      token = ''
      async init() {}
      async updateToken() {
        this.token = await ask()
      }
    },
  }
  const script = code.replace('https://hub.example.com', hub.url).replace(/^import .*$/m, '')
  AsyncFunction(...Object.keys(given), script)(...Object.values(given))
  return { shown, opened }
}

const FOLLOW = example('js', 'async function follow')

test.each([
  ['in the address', `${FOLLOW}\nfollow()`],
  ['in the address, of Auth0', `${FOLLOW}\n${example('js', 'auth0-spa-js')}\nfollow()`],
  ['in the address, of Keycloak', `${FOLLOW}\n${example('js', 'keycloak-js')}\nfollow()`],
  ['in a cookie', `${example('js', 'function connect')}\nconnect()`],
])('a page with its token %s goes on when it expires, and misses nothing', async (_where, code) => {
  const hub = await startHub({ ...SETTINGS, PIAZZA_JWT_CLOCK_TOLERANCE: '0s', ...QUICK })
  const tokens: string[] = []
  const page = runPage(code, hub, () => {
    const claims = { ...RULES, exp: Date.now() / 1000 + 1, piazza: { subscribe: [CHANNEL] } }
    tokens.push(signHmac(claims))
    return tokens.at(-1)!
  })
  await waitFor('the first stream', async () => (await hub.metric('piazza_streams')) === 1)
  const sent: string[] = []
  while (tokens.length < 4) {
    sent.push(`${sent.length}`)
    await hub.publish({ channel: CHANNEL, data: sent.at(-1) }, { authorization: `Bearer ${KEY}` })
    await waitFor(`message ${sent.at(-1)}`, () => page.shown.length >= sent.length)
  }
  expect(page.shown).toEqual(sent)
  const ended = 'piazza_streams_closed_total{reason="token-expired"}'
  await waitFor('the end of three streams', async () => (await hub.metric(ended)) >= 3)
})
