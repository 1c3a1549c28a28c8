import { expect, test } from 'vitest'
import { Audience } from '../../src/hub/audience.ts'
import { Log } from '../../src/log/log.ts'
import { createStream } from './create-stream.ts'

const BEGINNING = 5
const COMPLETE_TO = 7
const LIVE = 10

test('a stream that is ahead by a live message of one channel has not had all that may come late of another', () => {
  const logs = [new Log('a', 0), new Log('b', 0)]
  const audience = new Audience('a,b', ['a', 'b'], logs, { events: undefined, isEnvelope: false })
  const stream = createStream(audience, COMPLETE_TO)
  const opening = { gap: undefined, messages: [], floors: undefined }
  stream.begin({ ...opening, position: BEGINNING, cursor: BEGINNING })
  stream.cursor = LIVE
  expect(stream.advance()).toBe(LIVE)
  const had = [BEGINNING, COMPLETE_TO, LIVE].filter((position) => stream.proved.has(position))
  expect(had).toEqual([BEGINNING, COMPLETE_TO])
})
