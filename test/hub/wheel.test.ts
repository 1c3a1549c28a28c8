import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Stream } from '../../src/hub/stream.ts'
import { TICK_MS, Wheel } from '../../src/hub/wheel.ts'

/** What the wheel knows of a stream. */
interface FakeStream {
  readonly name: string
  wheelSlot: number
  wheelIndex: number
  isOver: boolean
}

type Visit = (stream: FakeStream, tick: number) => number

/** A wheel whose time goes on only when the test says so. */
function openWheel(visit: Visit) {
  let nowMs = 1000
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  const wheel = new Wheel((stream, tick) => visit(stream as unknown as FakeStream, tick))
  onTestFinished(() => {
    wheel.close()
    vi.restoreAllMocks()
    vi.useRealTimers()
  })
  return {
    wheel,
    add: (name: string, inTicks: number): FakeStream => {
      const stream = { name, wheelSlot: -1, wheelIndex: 0, isOver: false }
      wheel.add(stream as unknown as Stream, inTicks)
      return stream
    },
    remove: (stream: FakeStream) => {
      wheel.remove(stream as unknown as Stream)
    },
    /** The event loop was busy for so long, and no timer could fire. */
    block: (ms: number) => {
      nowMs += ms
    },
    turn: (ticks = 1) => {
      for (let i = 0; i < ticks; i += 1) {
        nowMs += TICK_MS
        vi.advanceTimersByTime(TICK_MS)
      }
    },
    /** What was put off by `setImmediate` goes on. */
    goOn: () => new Promise<void>((resolve) => setImmediate(resolve)),
  }
}

describe('the wheel', () => {
  test('visits a stream when something is due, and not before', () => {
    const visits: [string, number][] = []
    const { add, turn } = openWheel((stream, tick) => {
      visits.push([stream.name, tick])
      return 10
    })
    add('a', 3)
    add('b', 1)
    turn(2)
    expect(visits).toEqual([['b', 1]])
    turn(1)
    expect(visits).toEqual([
      ['b', 1],
      ['a', 3],
    ])
    turn(10)
    expect(visits.slice(2)).toEqual([
      ['b', 11],
      ['a', 13],
    ])
  })

  test.each([0, -5])('what is due at once (%d) comes with the next tick', (inTicks) => {
    const visits: number[] = []
    const { add, turn } = openWheel((_stream, tick) => {
      visits.push(tick)
      return 100
    })
    add('a', inTicks)
    turn(2)
    expect(visits).toEqual([1])
  })

  test.each([255, 256, 257, 1000, Infinity])(
    'what is due later than it is long (%d ticks) is looked at on the way, never twice in a tick',
    (inTicks) => {
      const visits: number[] = []
      const dueAt = inTicks
      const { add, turn } = openWheel((_stream, tick) => {
        visits.push(tick)
        return dueAt - tick > 0 ? dueAt - tick : 100_000
      })
      add('a', inTicks)
      turn(1100)
      expect(new Set(visits).size).toBe(visits.length)
      if (inTicks <= 1000) expect(visits).toContain(inTicks)
      expect(visits.length).toBeLessThan(12)
    },
  )

  test('does not visit a stream that was removed, nor one that is over again', () => {
    const visits: string[] = []
    const { add, remove, turn } = openWheel((stream) => {
      visits.push(stream.name)
      stream.isOver = stream.name === 'over'
      return 1
    })
    const gone = add('gone', 2)
    add('over', 2)
    remove(gone)
    remove(gone)
    turn(5)
    expect(visits).toEqual(['over'])
  })

  test('whatever comes and goes, each is visited exactly when it is due', () => {
    const step = fc.record({
      action: fc.constantFrom('add', 'add', 'remove', 'turn'),
      inTicks: fc.integer({ min: 1, max: 40 }),
      which: fc.nat(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const due = new Map<FakeStream, number>()
        const { add, remove, turn, wheel } = openWheel((stream, tick) => {
          expect(due.get(stream)).toBe(tick)
          due.set(stream, tick + 7)
          return 7
        })
        for (const { action, inTicks, which } of steps) {
          if (action === 'add') due.set(add('x', inTicks), wheel.tick + inTicks)
          else if (action === 'remove') {
            const stream = [...due.keys()][which % Math.max(1, due.size)]
            if (stream !== undefined) {
              remove(stream)
              due.delete(stream)
            }
          } else turn()
        }
        for (const at of due.values()) expect(at).toBeGreaterThan(wheel.tick)
        wheel.close()
        vi.useRealTimers()
      }),
      { numRuns: 100 },
    )
  })

  test('a late timer does not make later ones later: all that was due is visited', () => {
    const visits: [string, number][] = []
    const { add, block, turn, wheel } = openWheel((stream, tick) => {
      visits.push([stream.name, tick])
      return 1000
    })
    add('a', 2)
    add('b', 9)
    add('c', 12)
    block(9 * TICK_MS)
    turn()
    expect(wheel.tick).toBe(10)
    expect(visits).toEqual([
      ['a', 2],
      ['b', 9],
    ])
  })

  test('nothing is visited once it is closed', () => {
    const { add, turn, wheel } = openWheel(() => {
      throw new Error('visited')
    })
    add('a', 1)
    wheel.close()
    turn(5)
  })
})

describe('a tick with more to do than a slice', () => {
  const STREAMS = 200

  /** Every visit takes a millisecond; all streams are due in one tick. */
  function openBusy(answer: (tick: number) => number) {
    const visits = new Map<string, number>()
    const opened = openWheel((stream, tick) => {
      visits.set(stream.name, (visits.get(stream.name) ?? 0) + 1)
      opened.block(1)
      return answer(tick)
    })
    for (let i = 0; i < STREAMS; i += 1) opened.add(`s${i}`, 1)
    return { ...opened, visits, total: () => [...visits.values()].reduce((sum, n) => sum + n, 0) }
  }

  test('yields to the event loop, then goes on until each was visited once', async () => {
    const { goOn, total, turn, visits } = openBusy(() => 60)
    turn()
    expect(total()).toBeGreaterThan(0)
    expect(total()).toBeLessThan(STREAMS)
    for (let i = 0; i < 20; i += 1) await goOn()
    expect(visits.size).toBe(STREAMS)
    expect(total()).toBe(STREAMS)
  })

  test('does not visit a stream over and over that has nothing due for long', async () => {
    const { block, goOn, total, turn, visits } = openBusy(() => Infinity)
    block(TICK_MS) // the timer is a tick late, so the rest of the slot is done in the tick after its own
    turn()
    for (let i = 0; i < 20; i += 1) await goOn()
    expect(visits.size).toBe(STREAMS)
    expect(total()).toBeLessThan(2 * STREAMS)
  })
})
