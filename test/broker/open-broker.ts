import { onTestFinished } from 'vitest'
import { type Broker, type Opening, type Start } from '../../src/broker/broker.ts'
import { type Log } from '../../src/log/log.ts'
import { isDeletion, type Message } from '../../src/log/message.ts'
import { readAfter } from '../../src/log/read.ts'
import { Metrics } from '../../src/metrics.ts'
import { formatId, type Position } from '../../src/position.ts'
import { type GapReason } from '../../src/sse/control-frame.ts'
import { toUtf8 } from '../../src/sse/utf8.ts'
import { bytesOf, parseStream } from '../support/parse-stream.ts'
import { waitFor } from '../support/wait.ts'

/** What a broker under test is told. */
export interface BrokerOptions {
  readonly maxMessages: number
  readonly maxAgeMs: number
  readonly maxBytes: number
  readonly idempotencyMs: number
  readonly metrics: Metrics
}

/** Makes a broker with an empty store of its own. */
export type CreateBroker<Options extends BrokerOptions = BrokerOptions> = (
  options: Options,
) => Broker | Promise<Broker>

/** For a broker whose store is elsewhere: whether a log has heard of all that is stored by now. */
export const hasHeardAll = new WeakMap<Broker, (log: Log) => Promise<boolean>>()

/** Roomy: nothing is dropped unless a test says so. */
const ROOMY = {
  maxMessages: 10_000,
  maxAgeMs: 3_600_000,
  maxBytes: 64 * 1024 * 1024,
  idempotencyMs: 300_000,
}

interface PublicationFields {
  readonly data?: string
  readonly event?: string
  readonly retry?: number
  readonly isEphemeral?: boolean
  readonly isEnd?: boolean
  readonly key?: string
  readonly scope?: string
}

/** A publish that was not refused. */
interface Stored {
  readonly position: Position
  readonly isDuplicate: boolean
}

/** What a stream would be given first. */
export interface Replay {
  readonly opening: Opening
  readonly positions: readonly Position[]
  readonly data: readonly string[]
  /** All its channels have ended, and it has everything: protocol §5 wants a 204. */
  readonly isOver: boolean
}

/** What a listener is told to be lost. */
interface Miss {
  readonly channel: string | null
  readonly position: Position
  readonly reason: GapReason
}

/** A broker with verbs for tests. */
export interface BrokerUnderTest {
  readonly broker: Broker
  readonly metrics: Metrics
  readonly delivered: readonly { readonly channel: string; readonly message: Message }[]
  /** Subscribed channels that were told to be free again, and whether their mark was still there to be read. */
  readonly reopened: readonly { readonly channel: string; readonly isDeleted: boolean }[]
  readonly missed: readonly Miss[]
  /** Publishes one message; throws the coded error if it is refused. */
  readonly publish: (channels: Channels, fields?: PublicationFields) => Promise<Stored>
  /** Begins to hear channels, until the test ends or `leave`. */
  readonly join: (...channels: readonly string[]) => Promise<readonly Log[]>
  readonly leave: (...channels: readonly string[]) => void
  /** Opens a stream and reads what it would be given at once, then leaves. */
  readonly open: (channels: Channels, start: Start) => Promise<Replay>
  /** `open` after a position. */
  readonly resume: (channels: Channels, after: Position) => Promise<Replay>
}

type Channels = string | readonly string[]

/** Opens a broker that is closed with the test. */
export async function openBroker<Options extends BrokerOptions>(
  create: CreateBroker<Options>,
  options: Partial<Options> = {},
): Promise<BrokerUnderTest> {
  const metrics = options.metrics ?? new Metrics()
  const broker = await create({ ...ROOMY, ...options, metrics } as unknown as Options)
  const delivered: { channel: string; message: Message }[] = []
  const reopened: { channel: string; isDeleted: boolean }[] = []
  const missed: Miss[] = []
  const holders = new Map<string, { log: Log; count: number }>()
  broker.listen({
    deliver: (channel, message) => delivered.push({ channel, message }),
    reopen: (channel) =>
      reopened.push({ channel, isDeleted: holders.get(channel)?.log.isDeleted === true }),
    miss: (channel, position, reason) => missed.push({ channel, position, reason }),
  })
  onTestFinished(() => broker.close())

  /** What was stored has been announced. */
  const arrive = async (logs: readonly Log[]) => {
    const isComplete = hasHeardAll.get(broker)
    if (isComplete === undefined) return
    for (const log of logs) {
      await waitFor(`${log.channel} to hear what is stored`, () => isComplete(log))
    }
  }
  const hold = (channels: readonly string[]) =>
    channels.map((channel) => {
      const held = holders.get(channel) ?? { log: broker.subscribe(channel), count: 0 }
      held.count += 1
      holders.set(channel, held)
      return held.log
    })
  const leave = (...channels: readonly string[]) => {
    for (const channel of channels) {
      const held = holders.get(channel)!
      held.count -= 1
      if (held.count > 0) continue
      holders.delete(channel)
      broker.unsubscribe(channel)
    }
  }
  const open = async (given: Channels, start: Start) => {
    const channels = listOf(given)
    const logs = hold(channels)
    try {
      await broker.open(logs, { kind: 'now' })
      await arrive(logs)
      return await readReplay(broker, logs, start)
    } finally {
      leave(...channels)
    }
  }
  return {
    broker,
    metrics,
    delivered,
    reopened,
    missed,
    publish: async (channels, fields = {}) => {
      const [result] = await broker.publish([requestOf(channels, fields)])
      if (result === undefined) throw new Error('publish gave no result')
      if ('error' in result) throw result.error
      return result
    },
    join: async (...channels) => {
      const logs = hold(channels)
      await broker.open(logs, { kind: 'now' }) // what follows is heard
      return logs
    },
    leave,
    open,
    resume: (channels, after) => open(channels, { kind: 'after', id: formatId(after) }),
  }
}

function listOf(channels: Channels): readonly string[] {
  return typeof channels === 'string' ? [channels] : channels
}

/** A request as the routes make it. */
export function requestOf(
  channels: Channels,
  {
    data = '',
    event = '',
    retry,
    isEphemeral = false,
    isEnd = false,
    key,
    scope = '',
  }: PublicationFields,
) {
  return {
    channels: listOf(channels),
    event: toUtf8(event),
    retry,
    data: toUtf8(data),
    isEphemeral,
    isEnd,
    idempotency: key === undefined ? undefined : { scope, key },
  }
}

/** What Prometheus would be told. */
export async function readGauge({ metrics }: BrokerUnderTest, name: string): Promise<number> {
  const metric = await metrics.registry.getSingleMetric(name)?.get()
  const value = metric?.values[0]?.value
  if (value === undefined) throw new Error(`${name} has no value`)
  return value
}

/** What a stream is sent, as the hub reads it: from the logs, and from the broker where these don't reach back. */
async function readReplay(broker: Broker, logs: readonly Log[], start: Start): Promise<Replay> {
  const opening = await broker.open(logs, start)
  let { cursor, floors } = opening
  const all = [...opening.messages]
  const reaches = (log: Log, i: number) => log.base <= Math.max(cursor, floors?.[i] ?? 0)
  while (!logs.every(reaches)) {
    const page = await broker.read(logs, cursor, floors)
    if (page.gap !== undefined) throw new Error(`a gap in the middle: ${JSON.stringify(page.gap)}`)
    all.push(...page.messages)
    cursor = page.cursor
    floors = page.floors
  }
  all.push(...readAfter(logs, cursor, Number.MAX_SAFE_INTEGER, floors).messages)
  const messages = all.filter((message) => !isDeletion(message))
  const isOver =
    opening.gap === undefined &&
    opening.messages.length === 0 &&
    logs.every((log) => log.endedAt !== undefined && log.endedAt <= opening.cursor)
  return {
    opening,
    positions: messages.map(({ position }) => position),
    data: messages.map(dataOf),
    isOver,
  }
}

/** The data a client sees. */
function dataOf({ frame }: Message): string {
  const [event] = parseStream([bytesOf(frame)]).events
  if (event === undefined) throw new Error(`no event in the frame ${JSON.stringify(frame)}`)
  return event.data
}
