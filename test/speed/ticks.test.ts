import { fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { buildOnce, MAIN } from '../support/build.ts'
import { waitFor } from '../support/wait.ts'

const TELL_TICKS = fileURLToPath(new URL('tell-ticks.mjs', import.meta.url))
/** It was 4 to 6 times as long where nothing is kept. */
const MAX_GROWTH = 2.5

test('a nextTick takes no longer after full collections', async () => {
  await buildOnce()
  const hub = fork(MAIN, {
    execArgv: ['--expose-gc', '--import', TELL_TICKS],
    env: { ...process.env, PIAZZA_PORT: '0', PIAZZA_LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  onTestFinished(() => {
    hub.kill('SIGKILL')
  })
  let hasStarted = false
  createInterface({ input: hub.stdout! }).on('line', (line) => {
    hasStarted ||= line.includes('"msg":"started"')
  })
  await waitFor('the hub to start', () => hasStarted)
  let told: { readonly beforeNs: number; readonly afterNs: number } | undefined
  hub.once('message', (message) => {
    told = message as typeof told
  })
  hub.send('measure')
  await waitFor('the times', () => told !== undefined)
  const { beforeNs, afterNs } = told!
  expect(afterNs / beforeNs, `${beforeNs} ns before, ${afterNs} after`).toBeLessThan(MAX_GROWTH)
})
