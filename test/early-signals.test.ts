import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { buildOnce, MAIN } from './support/build.ts'

/** Says so when the command line is about to be loaded, and never loads it. */
const HOOK = `
import { writeSync } from 'node:fs'
export async function load(url, context, next) {
  if (!url.endsWith('command-line.js')) return next(url, context)
  writeSync(1, 'loading\\n')
  return new Promise((resolve) => setTimeout(resolve, 2 ** 30))
}`
const asModule = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`
const REGISTER = asModule(
  `import { register } from 'node:module'\nregister(${JSON.stringify(asModule(HOOK))})`,
)

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it while it is being loaded', async (signal) => {
  await buildOnce()
  const hub = spawn(process.execPath, ['--import', REGISTER, MAIN], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    hub.kill('SIGKILL')
  })
  await once(hub.stdout, 'data')
  hub.kill(signal)
  expect(await once(hub, 'exit')).toEqual([0, null]) // and not by the signal: a first process would not hear of it
})

test('a command that is broken off does not exit with 0', async () => {
  await buildOnce()
  const silent = net.createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as net.AddressInfo
  const doctor = spawn(process.execPath, [MAIN, 'doctor', `http://127.0.0.1:${port}`], {
    env: { PATH: process.env['PATH'] },
    stdio: 'ignore',
  })
  onTestFinished(() => {
    doctor.kill('SIGKILL')
    silent.close()
  })
  await once(silent, 'connection')
  doctor.kill('SIGTERM')
  expect(await once(doctor, 'exit')).toEqual([null, 'SIGTERM'])
})
