import { expect, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { attack } from './attack.ts'

const MB = 1_000_000
const SECONDS = 6

test('2,000 requests whose heads never end', async () => {
  const hub = await startHubProcess()
  const { grownBytes } = await attack(hub, 'slowloris', SECONDS)
  expect(grownBytes).toBeLessThan(120 * MB)
}, 60_000)

test('20,000 connects that say nothing', async () => {
  const hub = await startHubProcess({}, { fileLimit: 4096 })
  const { grownBytes } = await attack(hub, 'flood', SECONDS)
  // the most of them: the others are kept until they have said nothing for a minute
  expect(await hub.metric('piazza_connections_refused_total')).toBeGreaterThan(15_000)
  expect(grownBytes).toBeLessThan(150 * MB)
}, 60_000)

test('1,000 readers that take nothing of a channel that is as busy as can be', async () => {
  const hub = await startHubProcess()
  const { grownBytes } = await attack(hub, 'stall', SECONDS)
  expect(grownBytes).toBeLessThan(250 * MB)
}, 60_000)

test('JSON that is as dear to read as can be', async () => {
  const hub = await startHubProcess()
  const { grownBytes } = await attack(hub, 'bombs', SECONDS)
  expect(grownBytes).toBeLessThan(400 * MB)
}, 60_000)

test('heads as large as they may be', async () => {
  const hub = await startHubProcess()
  const { grownBytes } = await attack(hub, 'heads', SECONDS)
  expect(grownBytes).toBeLessThan(150 * MB)
}, 60_000)

test('100 clients that want all there is of 64 channels', async () => {
  const hub = await startHubProcess()
  const data = 'x'.repeat(10_000)
  for (let channel = 0; channel < 64; channel += 1) {
    const items = Array.from({ length: 100 }, () => ({ channel: `log-${channel}`, data }))
    await hub.publish(items)
  }
  const { grownBytes } = await attack(hub, 'replays', SECONDS)
  expect(grownBytes).toBeLessThan(250 * MB)
}, 60_000)
