import { expect, test } from 'vitest'
import { startHubProcess } from '../support/hub-process.ts'
import { attack } from './attack.ts'

const MB = 1_000_000
const SECONDS = 6
/** Who is cut for slowness, by short timeouts, is cut within the attack, also on a busy machine. */
const CUT_SECONDS = 20

type Counts = Readonly<Record<string, number>>

/** Each refusal that the attacker was answered is in the metrics, and there were some. */
function expectToldOf(refused: Counts, seen: Counts): void {
  const sum = (counts: Counts, isMeant: (name: string) => boolean) =>
    Object.entries(counts).reduce((all, [name, count]) => all + (isMeant(name) ? count : 0), 0)
  const answered = sum(seen, (status) => Number(status) >= 400)
  expect(answered).toBeGreaterThan(0)
  expect(sum(refused, (name) => name.startsWith('PIAZZA_ERR_'))).toBeGreaterThanOrEqual(answered)
}

test('2,000 requests whose heads never end', async () => {
  const hub = await startHubProcess({ PIAZZA_HEADER_TIMEOUT: '3s' })
  const { grownBytes, refused } = await attack(hub, 'slowloris', CUT_SECONDS)
  expect(refused).toMatchObject({ PIAZZA_ERR_REQUEST_TIMEOUT: 2000 })
  expect(grownBytes).toBeLessThan(120 * MB)
}, 60_000)

test('20,000 connects that say nothing', async () => {
  const hub = await startHubProcess({}, { fileLimit: 4096 })
  const { grownBytes, refused } = await attack(hub, 'flood', SECONDS)
  // the most of them: the others are kept until they have said nothing for a minute
  expect(refused['connections']).toBeGreaterThan(15_000)
  expect(grownBytes).toBeLessThan(150 * MB)
}, 60_000)

test('1,000 readers that take nothing of a channel that is as busy as can be', async () => {
  const hub = await startHubProcess({ PIAZZA_SLOW_STREAM_TIMEOUT: '1s' })
  const { grownBytes, seen, refused } = await attack(hub, 'stall', CUT_SECONDS)
  expect(refused['slow']).toBeGreaterThanOrEqual(seen['filled']!)
  expect(grownBytes).toBeLessThan(250 * MB)
}, 60_000)

test('JSON that is as dear to read as can be', async () => {
  const hub = await startHubProcess()
  const { grownBytes, seen, refused } = await attack(hub, 'bombs', SECONDS)
  expectToldOf(refused, seen)
  expect(grownBytes).toBeLessThan(400 * MB)
}, 60_000)

test('heads as large as they may be', async () => {
  const hub = await startHubProcess()
  const { grownBytes, seen, refused } = await attack(hub, 'heads', SECONDS)
  expectToldOf(refused, seen)
  expect(refused).toHaveProperty('PIAZZA_ERR_HEADERS_TOO_LARGE')
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
