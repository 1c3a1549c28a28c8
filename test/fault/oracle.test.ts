import { expect, test } from 'vitest'
import { startHub } from '../support/hub.ts'
import { publishAtRandom } from './oracle/publisher.ts'
import { Random } from './oracle/random.ts'
import { Reader } from './oracle/reader.ts'
import { type Acknowledged, judge } from './oracle/truth.ts'

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 12)
const SEED = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
const CHANNELS = ['a', 'b', 'c', 'd']
const PUBLISHERS = 3
const READERS = 12
const READ_TO_END_MS = 15_000

/** Logs so short that readers fall out of them, streams that end and are cut: everything at once. */
const SETTINGS = {
  PIAZZA_LOG_MAX_MESSAGES: '400',
  PIAZZA_LOG_MAX_BYTES: '1MiB',
  PIAZZA_STREAM_MAX_AGE: '4s',
  PIAZZA_SLOW_STREAM_TIMEOUT: '1s',
  PIAZZA_HEARTBEAT_INTERVAL: '1s',
}

test(
  `every reader hears every message once and in order, or of a gap (seed ${SEED})`,
  async () => {
    console.log(`oracle: CHAOS_SEED=${SEED} CHAOS_SECONDS=${SECONDS}`)
    const hub = await startHub(SETTINGS)
    const random = new Random(SEED)
    const acknowledged = new Map<string, Acknowledged>()
    const endMs = performance.now() + SECONDS * 1000
    const isOver = () => performance.now() > endMs
    const readers = Array.from({ length: READERS }, (_, i) => {
      const channels = random.some(CHANNELS, i % 2 === 0 ? 1 : CHANNELS.length)
      const name = `reader ${i} of ${channels.join(',')}`
      return new Reader({ name, channels, ports: () => [hub.port], random: random.fork() })
    })
    const publishers = Array.from({ length: PUBLISHERS }, (_, i) =>
      publishAtRandom(
        {
          name: `publisher ${i}`,
          publish: (body) => hub.publish(body),
          random: random.fork(),
          channels: CHANNELS,
          maxPauseMs: 15,
          largeChance: 0.02,
          floodChance: 0.03,
          mayBeRefused: false,
          acknowledged,
        },
        isOver,
      ),
    )
    await Promise.all([...publishers, ...readers.map((reader) => reader.live(isOver))])

    await hub
      .send('a', 'last')
      .then((id) => acknowledged.set(id, { id, channels: ['a'], data: 'last' }))
    const lastIds = readers.map(({ channels }) => {
      const ids = [...acknowledged.values()].filter((one) =>
        one.channels.some((c) => channels.includes(c)),
      )
      return ids.reduce((last, { id }) => (id > last ? id : last), '')
    })
    await Promise.all(readers.map((reader, i) => reader.readToEnd(lastIds[i]!, READ_TO_END_MS)))

    // judging takes minutes of a long run, in which the hub in this process can't answer
    const replayed = await hub.metric('piazza_replayed_messages_total')
    const faults = readers.flatMap((reader) => judge(reader, acknowledged))
    const heard = readers.flatMap((reader) => reader.heard)
    const count = (kind: string) => heard.filter((one) => one.kind === kind).length
    console.log(
      `oracle: ${acknowledged.size} published, ${count('message')} heard, ${count('gap')} gaps, ${count('opened')} connections`,
    )
    expect(faults.slice(0, 20), `seed ${SEED}`).toEqual([])
    // a run that tried nothing proves nothing
    expect(count('message')).toBeGreaterThan(acknowledged.size)
    expect(count('opened')).toBeGreaterThan(READERS * 2)
    expect(count('gap')).toBeGreaterThan(0)
    expect(replayed).toBeGreaterThan(0)
  },
  SECONDS * 1000 + 300_000,
)
