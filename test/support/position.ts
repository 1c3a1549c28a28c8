import { type RawStream } from './raw-stream.ts'
import { waitFor } from './wait.ts'

const ID_DIGITS = 11

/** The position `by` steps of 1 µs from `id`: ids are base 36 (architecture, Positions). */
export function shiftId(id: string, by: number): string {
  return (Number.parseInt(id, 36) + by).toString(36).padStart(ID_DIGITS, '0')
}

/** The position that the stream's opening block carries. */
export async function openingId(stream: RawStream): Promise<string> {
  await stream.waitForEvents(1)
  const [opening] = stream.events
  if (opening?.event !== 'piazza.open' || opening.id === undefined) {
    throw new Error(`no opening block first, but ${JSON.stringify(opening)}`)
  }
  return opening.id
}

/** The last id that a browser would know. */
export function lastIdOf(stream: RawStream): string {
  const id = stream.events.findLast((event) => event.id !== undefined)?.id
  if (id === undefined) throw new Error('the stream was sent no id')
  return id
}

/** What the stream was told to have missed. */
export function gapsOf(stream: RawStream): unknown[] {
  return stream.control('gap').map((event) => JSON.parse(event.data) as unknown)
}

/** Data of the messages so far. */
export function textsOf(stream: RawStream): string[] {
  return stream.messages.map((message) => message.data)
}

/** Ids of the messages so far, of those that carry one. */
export function idsOf(stream: RawStream): string[] {
  return stream.messages.flatMap((message) => message.id ?? [])
}

export function isRising(ids: readonly string[]): boolean {
  return ids.every((id, i) => i === 0 || ids[i - 1]! < id)
}

/** Lets the wall clock go on, where the contract is about time that passes. */
export async function passTime(label: string, timeMs: number): Promise<void> {
  const startedMs = performance.now()
  await waitFor(label, () => performance.now() - startedMs > timeMs, timeMs * 3 + 1000)
}
