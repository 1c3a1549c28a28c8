import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { formatId } from '../../src/position.ts'
import { encodeBody, encodeEnvelope, withId } from '../../src/sse/frame.ts'
import { toUtf8, type Utf8 } from '../../src/sse/utf8.ts'

const FRAMES = 50_000
const DATA_CHARACTERS = 100
/** Header of a string and the slot that points to it; one piece more would cost 80 and above. */
const MAX_OVERHEAD_BYTES = 40

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** As a request gives it: a string of its own. */
function readData(i: number): Utf8 {
  return toUtf8(JSON.parse(`"${`${i}`.padEnd(DATA_CHARACTERS, 'x')}"`) as string)
}

function encode(i: number): Utf8 {
  return withId(encodeBody({ event: '' as Utf8, data: readData(i) }), formatId(i))
}

function heapPerFrame(frames: Utf8[], makeFrame: (i: number) => Utf8): number {
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < FRAMES; i += 1) frames[i] = makeFrame(i)
  collectGarbage()
  return (process.memoryUsage().heapUsed - before) / FRAMES
}

test.each([
  ['a frame', encode],
  ['a frame with an envelope', (i: number) => encodeEnvelope(encode(i), 'news', formatId(i))],
])('%s takes the heap of its characters, also when the code is optimised', (_name, makeFrame) => {
  const frames = Array.from<Utf8>({ length: FRAMES }).fill('' as Utf8)
  heapPerFrame(frames, makeFrame) // by then it is optimised
  const bytes = heapPerFrame(frames.fill('' as Utf8), makeFrame)
  expect(bytes).toBeLessThan((frames[0] as Utf8).length + MAX_OVERHEAD_BYTES)
})
