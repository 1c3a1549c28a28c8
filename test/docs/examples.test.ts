import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
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

async function runHeadless(name: string, environment: Record<string, string>) {
  const file = fileURLToPath(new URL(`examples/${name}.mjs`, ROOT))
  const env = { PATH: process.env['PATH'], ...environment }
  try {
    const { stdout, stderr } = await run(process.execPath, [file, '--headless'], {
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
