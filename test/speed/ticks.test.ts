import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { buildOnce, MAIN } from '../support/build.ts'

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
  await once(hub.stdout!, 'data') // it has started
  hub.send('measure')
  const [{ beforeNs, afterNs }] = (await once(hub, 'message')) as [
    { readonly beforeNs: number; readonly afterNs: number },
  ]
  expect(afterNs / beforeNs, `${beforeNs} ns before, ${afterNs} after`).toBeLessThan(MAX_GROWTH)
})
