import { datedData } from './lag.mjs'
import { openStreams } from './open-streams.mjs'
import { orderCheck } from './order-check.mjs'
import { settle } from './pace.mjs'
import { Publisher } from './publisher.mjs'
import { sleep } from './sleep.mjs'

/** Of each address; their ids are looked at one by one. The others must have got as many bytes. */
const CHECKED_STREAMS = 10
/** What has not come when nothing came for so long was lost. */
const PAUSE_MS = 2000
/** Publishes that are not answered yet. */
const IN_FLIGHT = 64

/** Deliveries a second to `count` streams in all, spread over `streamUrls`, when publishers push as fast as answers come. */
export async function saturate({ publishUrl, streamUrls, count, seconds }) {
  const reports = []
  const checkOf = (i) => {
    if (i >= CHECKED_STREAMS) return undefined
    const report = { ids: 0, outOfOrder: 0 }
    reports.push(report)
    return orderCheck(report)
  }
  const opened = await Promise.all(
    streamUrls.map((url) => openStreams(url, count / streamUrls.length, () => 'bench', checkOf)),
  )
  const streams = opened.flat()
  const total = () => streams.reduce((sum, { content }) => sum + content, 0)
  await settle(total)
  const opening = streams.map(({ content }) => content)
  for (const report of reports) report.ids = 0 // of the opening block
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
  const start = { content: total(), ms: performance.now() }
  await sleep(seconds * 1000)
  const end = { content: total(), ms: performance.now() }
  state.isOver = true
  await Promise.all(loops)
  await settle(total, PAUSE_MS)
  const received = streams.map(({ content }, i) => content - opening[i])
  publisher.close()
  for (const stream of streams) stream.close()
  requireAll(published, reports, received)
  // frames of one size, so bytes tell the number
  const frameBytes = received[0] / published
  return (end.content - start.content) / frameBytes / ((end.ms - start.ms) / 1000)
}

function requireAll(published, reports, received) {
  const wrong = reports.find(({ ids, outOfOrder }) => ids !== published || outOfOrder > 0)
  if (wrong !== undefined) {
    throw new Error(
      `${published} messages were published, and ${wrong.ids} came, ${wrong.outOfOrder} out of order`,
    )
  }
  const other = received.find((bytes) => bytes !== received[0])
  if (other !== undefined) throw new Error(`${received[0]} bytes came to one, ${other} to another`)
}
