import { execFile } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { createFolder } from './support/folder.ts'

const SCRIPTS = fileURLToPath(new URL('../script', import.meta.url))
/** In place of npm: talks, and builds a hub that prints one line. */
const NPM = `#!/bin/sh
echo "npm was here: $1"
mkdir -p node_modules
if [ "$1" = ci ]; then rm -f node_modules/*; exit; fi
mkdir dist
echo 'console.log("a line of the hub")' > dist/main.js
`

/** A checkout that nobody has run yet, with an `npm` of its own; removed with the test. */
function freshCheckout(): { folder: string; server: string; PATH: string } {
  const folder = createFolder()
  cpSync(SCRIPTS, join(folder, 'script'), { recursive: true })
  mkdirSync(join(folder, 'src'))
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'package-lock.json'), '{}')
  writeFileSync(join(folder, 'bin/npm'), NPM)
  chmodSync(join(folder, 'bin/npm'), 0o755)
  const PATH = [join(folder, 'bin'), process.env['PATH']].join(delimiter)
  return { folder, server: join(folder, 'script/server'), PATH }
}

test('the first script/server installs and builds, and leaves stdout to the hub', async () => {
  const { server, PATH } = freshCheckout()
  const { stdout, stderr } = await promisify(execFile)(server, [], { env: { PATH } })
  expect(stdout).toBe('a line of the hub\n')
  expect(stderr).toMatch(/npm was here: ci\n[^]*npm was here: run\n/)
})

test('packages are not installed through a link, which would empty the folder of another checkout', async () => {
  const { folder, server, PATH } = freshCheckout()
  const others = createFolder()
  writeFileSync(join(others, 'package-of-another-checkout'), '')
  symlinkSync(others, join(folder, 'node_modules'))
  await expect(promisify(execFile)(server, [], { env: { PATH } })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/node_modules is a link to .*: remove the link/) as unknown,
  })
  expect(existsSync(join(others, 'package-of-another-checkout'))).toBe(true)
})
