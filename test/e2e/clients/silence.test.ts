import { expect, test } from 'vitest'
import { httpxSse, httpxSseUntold } from './commands.ts'
import { measureSilence, SILENCE } from './silence.ts'

const SECONDS = 8

// Of all clients the only one whose own limit is below the heartbeat. The others: `npm run clients-idle`.
test('httpx-sse gives up a silent stream after 5 s, unless it is told as docs/clients.md says', async () => {
  const [untold, told] = await Promise.all([
    measureSilence(httpxSseUntold, SECONDS),
    measureSilence(httpxSse, SECONDS),
  ])
  expect(Math.round(untold!)).toBe(SILENCE['httpx-sse'])
  expect(told).toBeUndefined()
})
