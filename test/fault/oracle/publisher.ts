import { type Random } from './random.ts'
import { type Answered } from './replicas.ts'
import { type Acknowledged } from './truth.ts'

const MAX_CHANNELS = 3
const MAX_BATCH = 40

export interface PublisherOptions {
  readonly name: string
  /** `POST /publish` at any hub. */
  readonly publish: (body: unknown, random: Random) => Promise<Answered>
  readonly random: Random
  readonly channels: readonly string[]
  /** Pauses of up to so long, ms. */
  readonly maxPauseMs: number
  /** How often a message is large, or a whole batch of them comes at once. */
  readonly largeChance: number
  readonly floodChance: number
  /** Refused for now (503), or by a hub that is gone (0): they are repeated under their keys until they are stored. */
  readonly mayBeRefused: boolean
  readonly acknowledged: Map<string, Acknowledged>
}

interface Item {
  readonly channels: readonly string[]
  readonly data: string
  readonly idempotencyKey: string
}

type Result = { readonly id: string } | { readonly error: { readonly statusCode: number } }

/** Publishes messages of random sizes to random channels, with random pauses, until told to stop. */
export async function publishAtRandom(
  options: PublisherOptions,
  isOver: () => boolean,
): Promise<void> {
  const { random, name, channels, maxPauseMs } = options
  let number = 0
  const compose = (isFlood: boolean): Item => {
    number += 1
    const token = `${name}#${number}`
    const isLarge = isFlood || random.chance(options.largeChance)
    const padding = isLarge ? random.between(10_000, 200_000) : random.between(0, 300)
    const lines = random.chance(0.1) ? '\n\nid: 0zzzzzzzzzz\n' : ''
    return {
      channels: random.some(channels, MAX_CHANNELS),
      data: `${token}${lines}${'x'.repeat(padding)}`,
      idempotencyKey: token,
      ...(random.chance(0.3) ? { event: `kind-${random.between(1, 3)}` } : {}),
    }
  }
  while (!isOver()) {
    const isBatch = random.chance(0.3)
    const isFlood = isBatch && random.chance(options.floodChance) // more than a kernel holds for a reader that stalls
    const count = isBatch ? random.between(1, MAX_BATCH) : 1
    const items = Array.from({ length: count }, () => compose(isFlood))
    await publishUntilStored(options, items, isBatch)
    if (random.chance(0.5)) await sleep(random.between(0, maxPauseMs))
  }
}

/** Publishes, and repeats what is refused for now. */
export async function publishUntilStored(
  { publish, random, name, mayBeRefused, acknowledged }: PublisherOptions,
  items: readonly Item[],
  isBatch: boolean,
): Promise<void> {
  let left = items
  while (left.length > 0) {
    const { status, json, text } = await publish(isBatch ? left : left[0], random)
    const isRefusal = mayBeRefused && (status === 503 || status === 0)
    if (status !== 201 && status !== 200 && !isRefusal) {
      throw new Error(`${name}: publish answered ${status} ${text}`)
    }
    const results: readonly Result[] = isBatch ? (json.results ?? []) : [json]
    left = left.filter(({ channels, data }, i) => {
      const result = results[i]
      if (result === undefined || !('id' in result)) return true
      acknowledged.set(result.id, { id: result.id, channels, data })
      return false
    })
    if (left.length > 0) await sleep(random.between(20, 200))
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
