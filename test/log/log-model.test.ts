import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Log, type LogLimits, MESSAGE_OVERHEAD_BYTES } from '../../src/log/log.ts'
import { type Message } from '../../src/log/message.ts'
import { messageAt } from '../support/messages.ts'

/** A log as one would write it without a thought for memory. */
class PlainLog {
  messages: Message[] = []
  base: number
  end: number

  constructor(base: number) {
    this.base = base
    this.end = base
  }

  append(message: Message): void {
    this.messages.push(message)
    this.end = message.position
  }

  dropOldest(): void {
    this.base = this.messages.shift()?.position ?? this.base
  }

  get bytes(): number {
    return this.messages.reduce((sum, { frame }) => sum + frame.length, 0)
  }

  trim({ maxMessages, maxAgeMs, maxBytes }: LogLimits, now: number): void {
    while (this.messages.length > maxMessages) this.dropOldest()
    while (this.messages.length > 1 && this.bytes > maxBytes) this.dropOldest()
    while ((this.messages[0]?.position ?? now) < now - maxAgeMs * 1000) this.dropOldest()
  }
}

type Step =
  | { readonly kind: 'append'; readonly count: number; readonly gap: number; readonly size: number }
  | { readonly kind: 'drop'; readonly count: number }
  | { readonly kind: 'clear' }
  | { readonly kind: 'trim'; readonly limits: LogLimits; readonly later: number }

const limits = fc.record({
  maxMessages: fc.integer({ min: 1, max: 300 }),
  maxAgeMs: fc.integer({ min: 0, max: 20 }),
  maxBytes: fc.integer({ min: 1, max: 20_000 }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: appending() },
  { weight: 4, arbitrary: dropping() },
  { weight: 3, arbitrary: trimming() },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'clear' }) },
)

function appending(): fc.Arbitrary<Step> {
  return fc.record({
    kind: fc.constant('append' as const),
    count: fc.integer({ min: 1, max: 150 }),
    gap: fc.integer({ min: 1, max: 500 }),
    size: fc.integer({ min: 0, max: 200 }),
  })
}

function dropping(): fc.Arbitrary<Step> {
  return fc.record({
    kind: fc.constant('drop' as const),
    count: fc.integer({ min: 1, max: 150 }),
  })
}

function trimming(): fc.Arbitrary<Step> {
  return fc.record({
    kind: fc.constant('trim' as const),
    limits,
    later: fc.integer({ min: 0, max: 20_000 }),
  })
}

function perform(one: Step, log: Log | PlainLog): void {
  if (one.kind === 'append') {
    for (let i = 1; i <= one.count; i += 1) {
      log.append(messageAt(log.end + one.gap, { data: 'x'.repeat((one.size * i) % 211) }))
    }
  } else if (one.kind === 'drop') {
    for (let i = 0; i < one.count; i += 1) log.dropOldest()
  } else if (one.kind === 'trim') {
    log.trim(one.limits, log.end + one.later)
  } else {
    while (log.base < log.end) log.dropOldest()
  }
}

test('a log behaves like a plain array with a base', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 25 }),
      fc.array(fc.nat(), { minLength: 5 }),
      (steps, probes) => {
        const log = new Log('a', 1_000_000)
        const plain = new PlainLog(1_000_000)
        for (const one of steps) {
          if (one.kind === 'clear') log.clear()
          else perform(one, log)
          perform(one, plain)
          const { messages, base, end, bytes } = plain
          expect(log).toMatchObject({ base, end, bytes, length: messages.length })
          expect(log.memory).toBe(bytes + messages.length * MESSAGE_OVERHEAD_BYTES)
          expect(log.newest?.position).toBe(messages.at(-1)?.position)
          for (const probe of probes) {
            const position = base - 5 + (probe % (end - base + 10))
            const index = messages.filter((message) => message.position <= position).length
            expect(log.indexAfter(position)).toBe(index)
            expect(log.at(index)?.position).toBe(messages[index]?.position)
          }
        }
        expect(Array.from({ length: log.length }, (_, i) => log.at(i)?.position)).toEqual(
          plain.messages.map(({ position }) => position),
        )
      },
    ),
    { numRuns: 200 },
  )
})
