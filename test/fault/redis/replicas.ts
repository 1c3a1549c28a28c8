import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished } from 'vitest'
import { type Answer, startHub, type TestHub } from '../../support/hub.ts'
import { openStream, type RawStream } from '../../support/raw-stream.ts'
import { waitFor } from '../../support/wait.ts'

let stores = 0

/** A prefix of its own for each test, in a Redis that tests share. */
function newPrefix(): string {
  stores += 1
  return `fault-${process.pid}-${stores}`
}

/** Hubs that share one Redis, each reached at its port (or that of a proxy before it). */
export async function startReplicas(
  redisPorts: readonly number[],
  settings: Record<string, string> = {},
): Promise<TestHub[]> {
  const prefix = newPrefix()
  const hubs = await Promise.all(
    redisPorts.map((port) =>
      startHub({
        PIAZZA_REDIS_URL: `redis://127.0.0.1:${port}`,
        PIAZZA_REDIS_PREFIX: prefix,
        ...settings,
      }),
    ),
  )
  for (const hub of hubs) await waitFor('the hub to reach Redis', () => isReady(hub))
  return hubs
}

export async function isReady(hub: TestHub): Promise<boolean> {
  return (await hub.get('/readyz')).status === 200
}

/** A hub, as far as publishers know it. */
export interface Publisher {
  publish(body: unknown): Promise<Pick<Answer, 'status' | 'json'>>
}

/** Its connection was lost, and opened again, so often by now. */
export async function waitToReconnect(
  hub: TestHub,
  name: 'commands' | 'subscriber',
  times = 1,
): Promise<void> {
  const line = `piazza_broker_reconnects_total{connection="${name}"}`
  await waitFor(`the ${name} to reconnect`, async () => (await hub.metric(line)) >= times)
}

/** What publishers were told is stored, by channel. */
export interface Publishing {
  readonly stored: ReadonlyMap<string, string[]>
  /** Statuses of answers that were no success. */
  readonly refusals: readonly number[]
  /** The longest that a publish took, ms. */
  readonly slowestMs: number
  /** Resolves when the last one is answered. */
  stop(): Promise<void>
}

/** Publishes to the channels through all hubs in turn, each message until it is stored, under its key. */
export function publishSteadily(
  hubs: readonly Publisher[],
  channels: readonly string[],
): Publishing {
  const stored = new Map<string, string[]>(channels.map((channel) => [channel, []]))
  const refusals: number[] = []
  let slowestMs = 0
  const stopping = new AbortController()
  let isOver = false
  const publishOne = async (n: number) => {
    const channel = channels[n % channels.length]!
    const body = { channel, data: `${n}`, idempotencyKey: `key-${n}` }
    for (let attempt = 0; ; attempt += 1) {
      const startedMs = performance.now()
      const { status, json } = await hubs[(n + attempt) % hubs.length]!.publish(body)
      slowestMs = Math.max(slowestMs, performance.now() - startedMs)
      if (status === 200 || status === 201) {
        stored.get(channel)!.push(json.id as string)
        return
      }
      if (isOver) return
      refusals.push(status)
      await sleep(50)
    }
  }
  const run = async () => {
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      await publishOne(n)
      await sleep(3)
    }
  }
  const done = run()
  const stop = async () => {
    stopping.abort()
    await done
  }
  onTestFinished(async () => {
    isOver = true // it may have failed, with Redis still broken
    await stop()
  })
  return {
    stored,
    refusals,
    get slowestMs() {
      return slowestMs
    },
    stop,
  }
}

/** A stream and what it must have heard. */
export interface Follower {
  readonly channels: readonly string[]
  readonly stream: RawStream
}

export async function follow(hub: TestHub, ...channels: string[]): Promise<Follower> {
  return { channels, stream: await openStream(hub.port, `/channels/${channels.join(',')}`) }
}

/** Two replicas with streams on one channel and on two, and a publisher through both. */
export interface Traffic {
  readonly hubs: readonly TestHub[]
  readonly followers: readonly Follower[]
  readonly publishing: Publishing
}

/** `redisPorts`: of the Redis of each replica. */
export async function startTraffic(
  redisPorts: readonly [number, number],
  settings: Record<string, string> = {},
): Promise<Traffic> {
  const hubs = await startReplicas(redisPorts, settings)
  const followers = [
    await follow(hubs[0]!, 'a'),
    await follow(hubs[1]!, 'a'),
    await follow(hubs[0]!, 'a', 'b'),
    await follow(hubs[1]!, 'b', 'a'),
  ]
  const publishing = publishSteadily(hubs, ['a', 'b', 'c'])
  await waitFor('traffic', () => publishing.stored.get('c')!.length > 5)
  return { hubs, followers, publishing }
}

/** Every stored id was heard once, in order, without a gap, on a stream that is still the same one (P1, P2, P4). */
export async function expectAll(
  followers: readonly Follower[],
  { stored }: Publishing,
  deadlineMs = 20_000,
): Promise<void> {
  for (const { channels, stream } of followers) {
    const expected = channels.flatMap((channel) => stored.get(channel)!).sort()
    const heard = () => stream.messages.map(({ id }) => id)
    await waitFor(
      `${channels.join()} to hear ${expected.length} messages`,
      () => heard().length >= expected.length,
      deadlineMs,
    )
    expect(heard(), channels.join()).toEqual(expected)
    expect(stream.control('gap'), 'gap events').toEqual([])
    expect(stream.isClosed, 'closed').toBe(false)
  }
}
