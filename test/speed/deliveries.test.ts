import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { buildOnce } from '../support/build.ts'

const bench = (file: string) => fileURLToPath(new URL(`../../bench/${file}`, import.meta.url))

/** `node bench/ratio.mjs --record` writes it: after a change that makes deliveries faster, on a quiet machine. */
const { ratio: recorded } = JSON.parse(readFileSync(bench('recorded-ratio.json'), 'utf8')) as {
  readonly ratio: number
}

test('deliveries a second are not below half of what they were, as a multiple of the naive hub', async () => {
  await buildOnce()
  const { stdout } = await promisify(execFile)(process.execPath, [bench('ratio.mjs')])
  const { ratio } = JSON.parse(stdout) as { readonly ratio: number }
  expect(ratio, stdout).toBeGreaterThan(recorded / 2)
}, 120_000)
