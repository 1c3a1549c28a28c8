import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { LoopLag } from '../../src/limits/loop-lag.ts'
import { block, keepBlocking } from '../support/block.ts'
import { waitFor } from '../support/wait.ts'

function startLag(): LoopLag {
  const lag = new LoopLag()
  onTestFinished(() => lag.close())
  return lag
}

test('a loop that is late again and again is seen, and forgotten when it is in time', async () => {
  const lag = startLag()
  const stop = keepBlocking(400)
  await waitFor('it to be seen', () => lag.ms > 250, 5000)
  await nextTurn()
  expect(lag.ms).toBeGreaterThan(250)
  stop()
  await waitFor('it to be forgotten', () => lag.ms < 100, 5000)
})

test('one long turn is no lag, while it lasts and afterwards', async () => {
  const lag = startLag()
  await waitFor('a first sample', () => lag.ms < 100)
  block(1000)
  expect(lag.ms).toBeLessThan(300)
  await nextTurn()
  await nextTurn()
  expect(lag.ms).toBeLessThan(300)
})

test('a second long turn is, while it lasts', async () => {
  const lag = startLag()
  block(600)
  await nextTurn()
  await nextTurn() // what was due was done
  block(600)
  expect(lag.ms).toBeGreaterThan(300)
})

test('closed, it is late for nothing', () => {
  const lag = startLag()
  lag.close()
  block(300)
  expect(lag.ms).toBe(0)
  lag.close()
})
