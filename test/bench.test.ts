import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { buildOnce } from './support/build.ts'
import { waitFor } from './support/wait.ts'

const HUB = new URL('../bench/hub.mjs', import.meta.url).href

/** Starts a hub as measurements do, tells its address, and never ends. */
const MEASUREMENT = `
import { withHub } from ${JSON.stringify(HUB)}
await withHub(async ({ url }) => {
  console.log(url)
  await new Promise(() => {})
}, { file: 'hubs/answer.mjs' })`

const COMMAND = new URL('../bench/command.mjs', import.meta.url).href

/** The same with a server that is not Node's and has children in process groups of their own. */
const MEASUREMENT_OF_COMMAND = `
import { withCommand } from ${JSON.stringify(COMMAND)}
await withCommand(['sh', '-c', 'setsid sleep 1000 & sleep 1000'], [], async ({ pids }) => {
  while (pids().length < 3) await new Promise((resolve) => setTimeout(resolve, 20))
  console.log(pids().join(' '))
  await new Promise(() => {})
})`

function isReachable(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1')
    const answer = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })
}

test('a measurement that is killed leaves no hub behind', async () => {
  const measurement = spawn(process.execPath, ['--input-type=module', '-e', MEASUREMENT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    measurement.kill('SIGKILL')
  })
  let url = ''
  createInterface({ input: measurement.stdout }).on('line', (line) => {
    url = line
  })
  await waitFor('the hub to start', () => url !== '')
  expect(await isReachable(url)).toBe(true)
  measurement.kill('SIGKILL')
  await waitFor('the hub to end', async () => !(await isReachable(url)))
})

const REDIS = new URL('../bench/redis-server.mjs', import.meta.url).href
const REPLICA = new URL('../bench/rolling/replica.mjs', import.meta.url).href

/** The same with a Redis, and a replica over it as a rolling update has them. */
const MEASUREMENT_OVER_REDIS = `
import { freePort } from ${JSON.stringify(new URL('../bench/free-port.mjs', import.meta.url).href)}
import { withRedis } from ${JSON.stringify(REDIS)}
import { startReplica } from ${JSON.stringify(REPLICA)}
await withRedis(async ({ port }) => {
  const hubPort = await freePort()
  await startReplica(hubPort, port)
  console.log(port, hubPort)
  await new Promise(() => {})
})`

test('a measurement over Redis that is killed leaves neither Redis nor a replica behind', async () => {
  await buildOnce()
  const args = ['--input-type=module', '-e', MEASUREMENT_OVER_REDIS]
  const measurement = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    measurement.kill('SIGKILL')
  })
  let urls: string[] = []
  createInterface({ input: measurement.stdout }).on('line', (line) => {
    urls = line.split(' ').map((port) => `http://127.0.0.1:${port}`)
  })
  await waitFor('both to start', () => urls.length > 0)
  const reachable = () => Promise.all(urls.map(isReachable))
  expect(await reachable()).toEqual([true, true])
  measurement.kill('SIGKILL')
  await waitFor('both to end', async () => !(await reachable()).includes(true))
})

test('a measurement that is killed leaves nothing of a command behind', async () => {
  const args = ['--input-type=module', '-e', MEASUREMENT_OF_COMMAND]
  const measurement = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    measurement.kill('SIGKILL')
  })
  let pids: string[] = []
  createInterface({ input: measurement.stdout }).on('line', (line) => {
    pids = line.split(' ')
  })
  await waitFor('the command to start', () => pids.length > 0)
  const running = () => pids.filter((pid) => existsSync(`/proc/${pid}`))
  expect(running()).toHaveLength(3)
  measurement.kill('SIGKILL')
  await waitFor('all of it to end', () => running().length === 0)
})
