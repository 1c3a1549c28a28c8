import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { readDocument, ROOT } from './markdown.ts'

const run = promisify(execFile)
const DEADLINE_MS = 18_000
const EXAMPLES = [
  'build-log',
  'delivery',
  'live-scores',
  'llm-answer',
  'notifications',
  'price-ticker',
]

test('every example is known here, and told of in README.md and examples/README.md', () => {
  const files = readdirSync(new URL('examples/', ROOT)).filter((file) => file.endsWith('.mjs'))
  expect(files.sort()).toEqual([...EXAMPLES, 'hub'].sort().map((name) => `${name}.mjs`))
  for (const name of EXAMPLES) {
    expect(readDocument('README.md')).toContain(`examples/${name}.mjs`)
    expect(readDocument('examples/README.md')).toContain(`${name}.mjs`)
  }
})

test.each(EXAMPLES)('%s plays both sides and finds what it expects', async (name) => {
  const hub = await startHub()
  const { code, output } = await runHeadless(name, { HUB_URL: hub.url })
  expect(output).not.toBe('')
  expect(code, output).toBe(0)
})

test('an example publishes with a key where the hub wants one', async () => {
  const keys = { PIAZZA_PUBLISH_KEYS: 'an-example-key-of-24-ch' }
  const hub = await startHub({ ...keys, PIAZZA_ANONYMOUS: 'subscribe' })
  expect(await runHeadless('price-ticker', { HUB_URL: hub.url })).toMatchObject({ code: 1 })
  expect(await runHeadless('price-ticker', { HUB_URL: hub.url, ...keys })).toMatchObject({
    code: 0,
  })
})

test.each(EXAMPLES)('%s tells in one line that no hub answers', async (name) => {
  const { code, output } = await runHeadless(name, { HUB_URL: 'http://127.0.0.1:1' })
  expect(output.trim().split('\n')).toEqual([
    expect.stringMatching(/^no hub answers at http:\/\/127\.0\.0\.1:1: /),
  ])
  expect(code).toBe(1)
})

test.each(['live-scores', 'llm-answer'])(
  '%s tells in one line that the port of its page is in use',
  async (name) => {
    const server = net.createServer()
    await new Promise<void>((resolve) => {
      server.listen(0, 'localhost', resolve)
    })
    onTestFinished(() => {
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const { url } = await startHub()
    const { code, output } = await runExample(name, [], { HUB_URL: url, PORT: `${port}` })
    expect(output).toBe(`port ${port} is in use: set PORT\n`)
    expect(code).toBe(1)
  },
)

function runHeadless(name: string, environment: Record<string, string>) {
  return runExample(name, ['--headless'], environment)
}

async function runExample(
  name: string,
  options: readonly string[],
  environment: Record<string, string>,
) {
  const file = fileURLToPath(new URL(`examples/${name}.mjs`, ROOT))
  const env = { PATH: process.env['PATH'], ...environment }
  try {
    const { stdout, stderr } = await run(process.execPath, [file, ...options], {
      env,
      timeout: DEADLINE_MS,
    })
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as {
      code: number | null
      stdout: string
      stderr: string
    }
    return { code, output: stdout + stderr }
  }
}
