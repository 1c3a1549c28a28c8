import { type TestHub } from '../../support/hub.ts'
import { type Random } from './random.ts'
import { type Acknowledged } from './truth.ts'

const MAX_CHANNELS = 3
const MAX_BATCH = 40

/** Publishes messages of random sizes to random channels, with random pauses, until told to stop. */
export async function publishAtRandom(
  hub: TestHub,
  random: Random,
  name: string,
  channels: readonly string[],
  acknowledged: Map<string, Acknowledged>,
  isOver: () => boolean,
): Promise<void> {
  let number = 0
  const compose = (isFlood: boolean) => {
    number += 1
    const token = `${name}#${number}`
    const isLarge = isFlood || random.chance(0.02)
    const padding = isLarge ? random.between(10_000, 200_000) : random.between(0, 300)
    const lines = random.chance(0.1) ? '\n\nid: 0zzzzzzzzzz\n' : ''
    return {
      channels: random.some(channels, MAX_CHANNELS),
      data: `${token}${lines}${'x'.repeat(padding)}`,
      ...(random.chance(0.3) ? { event: `kind-${random.between(1, 3)}` } : {}),
    }
  }
  while (!isOver()) {
    const isBatch = random.chance(0.3)
    const isFlood = isBatch && random.chance(0.03) // more than a kernel holds for a reader that stalls
    const count = isBatch ? random.between(1, MAX_BATCH) : 1
    const items = Array.from({ length: count }, () => compose(isFlood))
    const { status, json, text } = await hub.publish(isBatch ? items : items[0])
    if (status !== 201) throw new Error(`${name}: publish answered ${status} ${text}`)
    const answers: { id: string }[] = isBatch ? json.results : [json]
    answers.forEach(({ id }, i) => {
      const { channels: sentTo, data } = items[i]!
      acknowledged.set(id, { id, channels: sentTo, data })
    })
    if (random.chance(0.5)) await sleep(random.between(0, 15))
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
