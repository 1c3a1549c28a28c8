import { parseByteRate, parseDuration, parseInteger, parseRate, parseSize } from './units.ts'

/** One variable `PIAZZA_…`: how its text becomes a value, and what people read about it. */
export interface Setting<T> {
  /** As `--help` and the README print it; `—`: not set. */
  readonly defaultText: string
  readonly type: string
  readonly description: string
  /** The value of a text; throws `Invalid` saying what would be right. */
  readonly parse: (text: string) => T
  /** Used when the variable is not set. */
  readonly default: T
}

/** Thrown by `Setting.parse`; the message is what would be right. */
export class Invalid extends Error {}

/** Why a file can't be read. What the system calls its path may be the secret itself, given in its place. */
export function withoutPath({ message }: Error): string {
  return message.replace(/, \w+ '[^]*'$/, '')
}

/** What a person may say instead of a limit. Limits are then 0. */
const OFF = 'off'

interface Range {
  readonly min: number
  readonly max: number
  readonly canBeOff?: boolean
}

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

export function duration(defaultText: string, description: string, range: Range): Setting<number> {
  const expected = `a duration such as 500ms, 15s, 10m or 1h, from ${asMs(range.min)} to ${asMs(range.max)}`
  return quantity('duration', defaultText, description, range, parseDuration, expected)
}

function asMs(ms: number): string {
  if (ms % HOUR_MS === 0 && ms > 0) return `${ms / HOUR_MS}h`
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

export function size(defaultText: string, description: string, range: Range): Setting<number> {
  const expected = `a size such as 64KiB, 1MiB or 2GiB, from ${range.min}B to ${range.max / 1024 ** 2}MiB`
  return quantity('size', defaultText, description, range, parseSize, expected)
}

export function integer(defaultText: string, description: string, range: Range): Setting<number> {
  const expected = `a whole number from ${range.min} to ${range.max}`
  return quantity('number', defaultText, description, range, parseInteger, expected)
}

const MAX_RATE = 10_000_000

/** So many a second. */
export function rate(defaultText: string, description: string): Setting<number> {
  const range = { min: 1, max: MAX_RATE, canBeOff: true }
  const expected = `a rate such as 100/s, from 1/s to ${MAX_RATE}/s`
  return quantity('rate', defaultText, description, range, parseRate, expected)
}

/** So many bytes a second. */
export function byteRate(defaultText: string, description: string): Setting<number> {
  const range = { min: 1024, max: 1024 ** 4, canBeOff: true }
  const expected = 'a rate such as 64KiB/s or 1MiB/s, from 1KiB/s to 1024GiB/s'
  return quantity('size per second', defaultText, description, range, parseByteRate, expected)
}

function quantity(
  type: string,
  defaultText: string,
  description: string,
  { min, max, canBeOff = false }: Range,
  read: (text: string) => number | undefined,
  expected: string,
): Setting<number> {
  const parse = (text: string): number => {
    if (canBeOff && text === OFF) return 0
    const value = read(text)
    if (value !== undefined && value >= min && value <= max) return value
    throw new Invalid(canBeOff ? `${expected}, or ${OFF}` : expected)
  }
  const typeText = canBeOff ? `${type} or \`${OFF}\`` : type
  return { type: typeText, defaultText, description, parse, default: parse(defaultText) }
}

export function choice<T extends string>(
  defaultText: T,
  choices: readonly T[],
  description: string,
): Setting<T> {
  const parse = (text: string): T => {
    const found = choices.find((one) => one === text)
    if (found === undefined) throw new Invalid(`one of ${choices.join(', ')}`)
    return found
  }
  return { type: choices.join(' \\| '), defaultText, description, parse, default: defaultText }
}

export function list<T>(
  description: string,
  type: string,
  parseItem: (item: string) => T,
): Setting<readonly T[]> {
  const parse = (text: string): T[] => {
    const items = text.split(',').map((item) => item.trim())
    if (items.some((item) => item === '')) throw new Invalid('a list with commas between its items')
    return items.map(parseItem)
  }
  return { type, defaultText: '—', description, parse, default: [] }
}

export function optional<T>(
  type: string,
  description: string,
  parse: (text: string) => T,
): Setting<T | undefined> {
  return { type, defaultText: '—', default: undefined, description, parse }
}
