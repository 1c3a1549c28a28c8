// node --expose-gc bench/log-memory.mjs (after npm run build): heap that the log keeps per message and per channel,
// beside the characters of the frame. MESSAGE_OVERHEAD_BYTES and CHANNEL_OVERHEAD_BYTES are these, rounded up.
import { MemoryBroker } from '../dist/broker/memory/memory-broker.js'
import { Metrics } from '../dist/metrics.js'

const COUNT = 200_000
const GiB = 1024 ** 3

async function fill(channelOf, dataBytes) {
  const broker = new MemoryBroker({
    maxMessages: 10_000_000,
    maxAgeMs: 3_600_000,
    maxBytes: 64 * GiB,
    totalBytes: 64 * GiB,
    idempotencyMs: 300_000,
    metrics: new Metrics(),
  })
  globalThis.gc()
  const before = process.memoryUsage()
  for (let i = 0; i < COUNT; i += 1) {
    // as a request gives it: strings of its own
    const { channel, data } = JSON.parse(
      `{"channel":"${channelOf(i)}","data":"${'x'.repeat(dataBytes)}"}`,
    )
    await broker.publish([
      {
        channels: [channel],
        event: '',
        retry: undefined,
        data,
        isEphemeral: false,
        isEnd: false,
        idempotency: undefined,
      },
    ])
  }
  globalThis.gc()
  const after = process.memoryUsage()
  await broker.close()
  return { heap: (after.heapUsed - before.heapUsed) / COUNT, rss: (after.rss - before.rss) / COUNT }
}

const FRAME_BYTES = 'data: \nid: 00000000000\n\n'.length
const one = await fill(() => 'news', 100)
const many = await fill((i) => `answer.${i}`, 100)
console.table({
  'per message of 100 bytes, one channel': one,
  'per channel with one such message': many,
})
console.log(`overhead per message: ${(one.heap - 100 - FRAME_BYTES).toFixed(0)} bytes`)
console.log(`overhead per channel: ${(many.heap - one.heap).toFixed(0)} bytes`)
