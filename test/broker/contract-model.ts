import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Metrics } from '../../src/metrics.ts'
import { type Position } from '../../src/position.ts'
import { type BrokerUnderTest, type CreateBroker, openBroker } from './open-broker.ts'

const CHANNELS = ['a', 'b', 'c', 'd'] as const
const MAX_MESSAGES = 3
const RUNS = 150
/** Who asks the same within a second may be given the same, with what was dropped since. */
const SHARED_MS = 1010

interface ModelChannel {
  /** All that were ever stored. */
  stored: Position[]
  dropped: number
  state: 'open' | 'ended' | 'deleted'
}

/** All that happened, and what of it must still be there. */
class Model {
  /** What was resumed. */
  readonly asked = new Set<string>()
  readonly channels = new Map<string, ModelChannel>(
    CHANNELS.map((name) => [name, { stored: [], dropped: 0, state: 'open' }]),
  )

  channel(name: string): ModelChannel {
    return this.channels.get(name)!
  }

  store(names: readonly string[], position: Position, isEnd: boolean): void {
    for (const name of names) {
      const channel = this.channel(name)
      channel.stored.push(position)
      channel.dropped = Math.max(channel.dropped, channel.stored.length - MAX_MESSAGES)
      if (isEnd) channel.state = 'ended'
    }
  }

  delete(name: string): void {
    this.channels.set(name, { stored: [], dropped: 0, state: 'deleted' })
  }

  /** What a resume after `position` must be given. */
  after(names: readonly string[], position: Position) {
    const retained = new Set<Position>()
    const holed: string[] = []
    for (const name of names) {
      const { stored, dropped } = this.channel(name)
      for (const one of stored.slice(dropped)) if (one > position) retained.add(one)
      if (dropped > 0 && stored[dropped - 1]! > position) holed.push(name)
    }
    return { positions: [...retained].sort((x, y) => x - y), holed }
  }
}

type Step =
  | { kind: 'publish'; names: string[]; isEnd: boolean }
  | { kind: 'ephemeral'; names: string[] }
  | { kind: 'delete'; name: string }
  | { kind: 'join'; name: string }
  | { kind: 'leave'; name: string }
  | { kind: 'resume'; names: string[]; at: number }

const names = fc.shuffledSubarray([...CHANNELS], { minLength: 1 })
const name = fc.constantFrom(...CHANNELS)
const isEnd = fc.nat({ max: 19 }).map((n) => n === 0)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('publish' as const), names, isEnd }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ephemeral' as const), names }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('join' as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), name }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('resume' as const), names, at: fc.nat() }),
  },
)

/** Any history, any place to come back from: complete, or a gap for exactly what is missing. */
export function describeModel(create: CreateBroker): void {
  test('whatever has happened, a resume gets all that is retained, and a gap only where some is not', async () => {
    const metrics = new Metrics()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const opened = await openBroker(create, { maxMessages: MAX_MESSAGES, metrics })
        const model = new Model()
        const told: Position[] = [opened.broker.position()]
        const joined = new Set<string>()
        for (const one of steps) await perform(one, opened, model, told, joined)
        for (const position of told) await resume(opened, model, CHANNELS, position)
        await opened.broker.close()
      }),
      { numRuns: RUNS },
    )
  }, 180_000)
}

async function perform(
  one: Step,
  opened: BrokerUnderTest,
  model: Model,
  told: Position[],
  joined: Set<string>,
): Promise<void> {
  if (one.kind === 'publish' || one.kind === 'ephemeral') {
    const isClosed = one.names.some((each) => model.channel(each).state !== 'open')
    const fields = one.kind === 'ephemeral' ? { isEphemeral: true } : { isEnd: one.isEnd }
    const published = opened.publish(one.names, fields)
    if (isClosed) await expect(published).rejects.toMatchObject({ statusCode: 409 })
    else {
      const { position } = await published
      expect(position).toBeGreaterThan(told.at(-1)!)
      if (one.kind === 'publish') {
        model.store(one.names, position, one.isEnd)
        told.push(position)
      }
    }
  } else if (one.kind === 'delete') {
    await opened.broker.delete(one.name)
    model.delete(one.name)
  } else if (one.kind === 'join') {
    if (!joined.has(one.name)) await opened.join(one.name)
    joined.add(one.name)
  } else if (one.kind === 'leave') {
    if (joined.delete(one.name)) opened.leave(one.name)
  } else {
    const position = told[one.at % told.length]!
    const next = await resume(opened, model, one.names, position)
    if (next > told.at(-1)!) told.push(next)
  }
}

/** Returns the position that the stream was told last before any message. */
async function resume(
  opened: BrokerUnderTest,
  model: Model,
  wanted: readonly string[],
  position: Position,
): Promise<Position> {
  const expected = model.after(wanted, position)
  const question = JSON.stringify([wanted, position])
  if (model.asked.has(question)) await sleep(SHARED_MS)
  model.asked.add(question)
  const { opening, positions, isOver } = await opened.resume(wanted, position)
  expect(positions).toEqual(expected.positions)
  expect(opening.gap?.channels ?? []).toEqual(expected.holed)
  const states = wanted.map((each) => model.channel(each).state)
  const hasAll = expected.positions.length === 0 && opening.gap === undefined
  if (hasAll) expect(isOver).toBe(states.every((state) => state !== 'open'))
  if (opening.gap === undefined) {
    if (positions.length > 0) expect(opening.position).toBe(position)
    else expect(opening.position).toBeGreaterThanOrEqual(position)
    return opening.position
  }
  expect(opening.gap).toMatchObject({ reason: 'evicted', after: position })
  expect(opening.position).toBe(position)
  if (positions.length > 0) expect(opening.gap.position).toBe(positions[0]! - 1)
  else expect(opening.gap.position).toBeGreaterThan(position)
  return opening.gap.position
}
