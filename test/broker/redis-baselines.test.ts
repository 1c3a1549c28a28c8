import { expect, test } from 'vitest'
import { Retention } from '../../src/broker/retention.ts'
import { Baselines, type BaselinesOptions } from '../../src/broker/redis/baselines.ts'
import { LocalLogs } from '../../src/broker/redis/local-logs.ts'
import { Metrics } from '../../src/metrics.ts'
import { waitFor } from '../support/wait.ts'

const LIMITS = { maxMessages: 100, maxBytes: 100_000, maxAgeMs: 3_600_000, totalBytes: 1_000_000 }
const BORN = 1_700_000_000_000_000
const EARLY = BORN + 1000
const LATER = BORN + 2000

/** What Redis answers at this time of a channel that nothing was published to. */
function readAt(clock: number): unknown {
  const [born, print] = [Buffer.from(`${BORN}`), Buffer.from(`${clock}`)]
  return [print, print, born, Buffer.from('0'), [Buffer.from(''), Buffer.from(''), 0, []]]
}

test('a baseline that was asked for before the channel was subscribed to anew is not used (rule 4)', async () => {
  const logs = new LocalLogs(new Retention(LIMITS, new Metrics(), () => {}), () => {})
  const asked: ((reply: unknown) => void)[] = []
  const fences: string[] = []
  const commands = {
    whenReady: async () => {},
    pause: async () => {},
    read: (_name: string, args: readonly unknown[]) => {
      fences.push(String(args[3]))
      return new Promise((resolve) => asked.push(resolve))
    },
  }
  const ready: number[] = []
  const baselines = new Baselines({
    commands,
    logs,
    fenceChannel: 'fence',
    hear: () => {},
    onReady: (clock: number) => ready.push(clock),
  } as unknown as BaselinesOptions)
  const channel = logs.create('a')
  const subscribe = (generation: number) => {
    channel.generation = generation
    channel.state = 'acknowledged'
    baselines.read([channel], generation)
  }
  subscribe(1)
  await waitFor('the first baseline to be asked for', () => asked.length === 1)
  channel.state = 'asked' // the connection is lost; what is published now is not heard
  baselines.abort()
  subscribe(2)
  await waitFor('the second one', () => asked.length === 2)
  asked[0]!(readAt(EARLY))
  asked[1]!(readAt(LATER))
  baselines.hearFence(fences[1]!)
  await waitFor('both to be read', () => ready.length === 2)
  expect(channel.state).toBe('ready')
  expect(channel.log.base).toBe(BORN)
  expect(channel.through).toBe(LATER)
})
