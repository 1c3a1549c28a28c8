import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { buildOnce, MAIN } from '../support/build.ts'
import { NODES } from '../support/nodes.ts'

const asModule = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`

/** Sends the signal when this file of the hub is about to be loaded, and goes on. */
const signalAt = (file: string, signal: NodeJS.Signals) =>
  asModule(`
import { register } from 'node:module'
const hook = \`
export async function load(url, context, next) {
  if (url.endsWith('/dist/${file}')) process.kill(process.pid, '${signal}')
  return next(url, context)
}\`
register('data:text/javascript,' + encodeURIComponent(hook))`)

// Where a version loads everything in one turn, nobody hears of the signal before the end of it.
describe.each(NODES)('on Node %s', (_version, node) => {
  test.each([
    ['SIGTERM', 'command-line.js'],
    ['SIGINT', 'command-line.js'],
    ['SIGTERM', 'logger.js'],
  ] as const)('%s while %s is being loaded ends the hub', async (signal, file) => {
    await buildOnce()
    const hub = spawn(node, ['--import', signalAt(file, signal), MAIN], {
      env: { PATH: process.env['PATH'], PIAZZA_PORT: '0' },
      stdio: 'ignore',
    })
    onTestFinished(() => {
      hub.kill('SIGKILL')
    })
    // and not by the signal: a first process of a container would not hear of it
    expect(await once(hub, 'exit')).toEqual([0, null])
  })
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
