import { expect } from 'vitest'
import { publishAtRandom, publishUntilStored } from './publisher.ts'
import { Random } from './random.ts'
import { Reader } from './reader.ts'
import { breakAtRandom, type Faults } from './redis-faults.ts'
import { type Replicas } from './replicas.ts'
import { type Acknowledged, type Heard, judge, type Losses } from './truth.ts'

export const SEED = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 32))
const BUSY = ['a', 'b', 'c', 'd', 'e', 'f']
/** So few have them that replicas begin and cease to hear them all the time. */
const RARE = Array.from({ length: 12 }, (_, i) => `rare-${i}`)
export const CHANNELS = [...BUSY, ...RARE]
const PUBLISHERS = 4
/** A busy machine may not come to more in time: it gets a little longer. */
const LEAST_PUBLISHED = 200
const MAX_EXTRA_MS = 30_000
const READ_TO_END_MS = 90_000
/** Three times what a publish may take while Redis is away (protocol §2). */
const MAX_PUBLISH_MS = 6000

export const SETTINGS = {
  PIAZZA_LOG_MAX_MESSAGES: '50', // a reader that is away for some seconds has a gap
  PIAZZA_STREAM_MAX_AGE: '15s',
  PIAZZA_SLOW_STREAM_TIMEOUT: '1s',
  PIAZZA_HEARTBEAT_INTERVAL: '1s',
}

export interface Trial {
  readonly name: string
  readonly replicas: Replicas
  readonly seconds: number
  readonly readers: number
  /** Of what its faults store, too. */
  readonly acknowledged: Map<string, Acknowledged>
  readonly faults: Faults
  /** It begins with one of these. */
  readonly about?: readonly string[]
  /** Asked when all is over. */
  readonly losses: () => Losses | Promise<Losses>
}

/** What came of it, for what a trial expects beyond the verdict. */
export interface Verdict {
  readonly heard: readonly Heard[]
  readonly faults: readonly string[]
  /** Messages that came late, and without an id. */
  readonly late: number
}

/** Readers move between replicas, publishers publish through all, and faults are drawn; then every life is judged. */
export async function tryOut(trial: Trial): Promise<Verdict> {
  const { name, replicas, seconds, acknowledged } = trial
  console.log(`${name}: CHAOS_SEED=${SEED} CHAOS_SECONDS=${seconds}`)
  const random = new Random(SEED)
  const endMs = performance.now() + seconds * 1000
  const isOver = () => {
    const nowMs = performance.now()
    if (acknowledged.size < LEAST_PUBLISHED) return nowMs > endMs + MAX_EXTRA_MS
    return nowMs > endMs
  }
  const ports = () => replicas.ports
  const readers = Array.from({ length: trial.readers }, (_, i) => {
    const wanted = i % 12 === 1 ? CHANNELS : BUSY
    const channels = random.some(wanted, i % 2 === 0 ? 1 : 4)
    const isSteady = i % 5 === 0
    const label = `${isSteady ? 'steady ' : ''}reader ${i} of ${channels.join(',')}`
    return new Reader({ name: label, channels, ports, random: random.fork(), isSteady })
  })
  /** Each large one goes to all readers of its channel, and all of them are one process. */
  const largeChance = 0.4 / trial.readers
  const publishers = Array.from({ length: PUBLISHERS }, (_, i) => ({
    name: `publisher ${i}`,
    publish: replicas.publish.bind(replicas),
    random: random.fork(),
    channels: CHANNELS,
    maxPauseMs: 120,
    largeChance,
    floodChance: largeChance,
    mayBeRefused: true,
    acknowledged,
  }))
  const [faults] = await Promise.all([
    breakAtRandom(trial.faults, trial.about ?? [], random.fork(), isOver),
    ...publishers.map((options) => publishAtRandom(options, isOver)),
    ...readers.map((reader) => reader.live(isOver)),
  ])
  const last = CHANNELS.map((channel) => {
    return { channels: [channel], data: `last of ${channel}`, idempotencyKey: `last ${channel}` }
  })
  await publishUntilStored(publishers[0]!, last, true)
  const lastIds = readers.map(({ channels }) => {
    const ids = [...acknowledged.values()].filter((one) =>
      one.channels.some((c) => channels.includes(c)),
    )
    return ids.reduce((newest, { id }) => (id > newest ? id : newest), '')
  })
  await Promise.all(readers.map((reader, i) => reader.readToEnd(lastIds[i]!, READ_TO_END_MS)))

  const losses = await trial.losses()
  const wrong = readers.flatMap((reader) => judge(reader, acknowledged, losses))
  const heard = readers.flatMap((reader) => reader.heard)
  const count = (kind: string) => heard.filter((one) => one.kind === kind).length
  const lates = heard.flatMap((one) => (one.kind === 'message' && one.id === '' ? [one.data] : []))
  const late = lates.length
  console.log(
    `${name}: ${acknowledged.size} published (the slowest took ${replicas.slowestMs.toFixed(0)} ms), ` +
      `${losses.lost?.size ?? 0} lost by Redis, ${losses.unannounced?.size ?? 0} that nobody was told of, ${count('message')} heard (${late} late, of ${new Set(lates).size} messages), ${count('gap')} gaps, ` +
      `${count('opened')} connections; broken: ${faults.join(', ')}`,
  )
  const described = wrong.length > 0 ? describeFaults(wrong, readers, trial) : ''
  expect(wrong.slice(0, 20), `seed ${SEED}: ${described}`).toEqual([])
  expect(replicas.slowestMs).toBeLessThan(MAX_PUBLISH_MS)
  // a run that tried nothing proves nothing
  expect(count('message')).toBeGreaterThan(acknowledged.size)
  expect(count('opened')).toBeGreaterThan(trial.readers * 2)
  return { heard, faults, late }
}

const AROUND = 6

/** How many there are of each id, and what the first reader of each heard around it. */
function describeFaults(
  wrong: readonly string[],
  readers: readonly Reader[],
  { acknowledged }: Trial,
): string {
  const firsts = new Map<string, string>()
  for (const fault of wrong) {
    const id = /[0-9a-z]{11}/.exec(fault)?.[0] ?? ''
    if (!firsts.has(id)) firsts.set(id, fault)
  }
  const lines = [...firsts].slice(0, 5).flatMap(([id, fault]) => {
    const heard = readers.find(({ name }) => fault.startsWith(`${name} `))?.heard ?? []
    const at = heard.findIndex((one) => one.kind === 'message' && one.id >= id)
    const around = heard.slice(Math.max(0, at - AROUND), at + AROUND).map((one) => {
      if (one.kind !== 'message') return JSON.stringify(one)
      return `${one.id} of ${acknowledged.get(one.id)?.channels.join(',')}: ${one.data.slice(0, 40)}`
    })
    const missed = acknowledged.get(id)
    const head = `${fault}: ${JSON.stringify(missed?.channels)} ${missed?.data.slice(0, 60)}`
    return [head].concat(around)
  })
  return `${wrong.length} faults\n${lines.join('\n')}`
}
