import { datedData } from './lag.mjs'
import { openStreams } from './open-streams.mjs'
import { orderCheck } from './order-check.mjs'
import { settle } from './pace.mjs'
import { Publisher } from './publisher.mjs'
import { sleep } from './sleep.mjs'

/** Their ids are looked at one by one; of the others the bytes are counted. */
const CHECKED_STREAMS = 10
/** Publishes that are not answered yet. */
const IN_FLIGHT = 64

/** Deliveries a second to `count` streams in all, spread over `streamUrls`, when publishers push as fast as answers come. */
export async function saturate({ publishUrl, streamUrls, count, seconds }) {
  const report = { ids: 0, outOfOrder: 0 }
  const checkOf = (i) => (i < CHECKED_STREAMS ? orderCheck(report) : undefined)
  const opened = await Promise.all(
    streamUrls.map((url) => openStreams(url, count / streamUrls.length, () => 'bench', checkOf)),
  )
  const streams = opened.flat()
  const opening = streams.map(({ content }) => content)
  const publisher = new Publisher(publishUrl)
  const state = { isOver: false }
  let published = 0
  const publishOn = async () => {
    while (!state.isOver) {
      await publisher.publish({ channel: 'bench', data: datedData() })
      published += 1
    }
  }
  const loops = Array.from({ length: IN_FLIGHT }, publishOn)
  await sleep(1000)
  const total = () => streams.reduce((sum, { content }) => sum + content, 0)
  const start = { content: total(), ms: performance.now() }
  await sleep(seconds * 1000)
  const end = { content: total(), ms: performance.now() }
  state.isOver = true
  await Promise.all(loops)
  await settle(total)
  const received = streams.map(({ content }, i) => content - opening[i])
  publisher.close()
  for (const stream of streams) stream.close()
  if (report.outOfOrder > 0 || received.some((bytes) => bytes !== received[0])) {
    throw new Error(`streams differ, or ${report.outOfOrder} ids did not rise`)
  }
  // frames of one size, so bytes tell the number
  const frameBytes = received[0] / published
  return (end.content - start.content) / frameBytes / ((end.ms - start.ms) / 1000)
}
