import { expect, test } from 'vitest'
import { type Broker, type Page } from '../../src/broker/broker.ts'
import { Audience } from '../../src/hub/audience.ts'
import { CatchUp } from '../../src/hub/catch-up.ts'
import { Log } from '../../src/log/log.ts'
import { Metrics } from '../../src/metrics.ts'
import { createStream } from './create-stream.ts'

const CURSOR = 50
const PROVED_TO = 60
/** `a` lost what lies below; what is still to come of `b` lies between. */
const BEGUN_ANEW = 100

test('a stream stays at what was proved, though a log of its audience begins anew further on', async () => {
  const logs = [new Log('a', 0), new Log('b', 0)]
  logs[0]!.restart(BEGUN_ANEW)
  const audience = new Audience('a,b', ['a', 'b'], logs, { events: undefined, isEnvelope: false })
  const stream = createStream(audience, 0)
  stream.cursor = CURSOR
  const page: Page = {
    gap: undefined,
    messages: [],
    cursor: PROVED_TO,
    floors: [BEGUN_ANEW, PROVED_TO],
  }
  const catchUp = new CatchUp({
    broker: { read: async () => page } as unknown as Broker,
    metrics: new Metrics(),
    onWork: () => {},
  })
  catchUp.add(stream)
  while (stream.isCatchingUp) {
    catchUp.run(Infinity)
    await Promise.resolve()
  }
  expect(audience.sent).toBe(BEGUN_ANEW)
  expect(stream.cursor).toBe(PROVED_TO)
})
