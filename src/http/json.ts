import { isUtf8 } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { errors, quote } from '../errors.ts'
import { MAX_BATCH_ITEMS } from './publish-schema.ts'

/** Deeper values are refused: `JSON.stringify` and every reader behind it recurses. */
const MAX_DEPTH = 200
/**
 * Objects, lists and keys of one body. They are what is dear: 8 MB of `{},` or of short keys take `JSON.parse` and the
 * checks 0.7 to 1.2 s (measured), and nobody is served meanwhile. There is room for one in 20 bytes of the largest body.
 */
const MAX_PARTS = 400_000
/** Bodies that are larger are parsed one in each turn of the event loop: between two of them others are served. */
const LARGE_BODY_BYTES = 64 * 1024
const PARTS = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** Throws `UTF8_INVALID`. */
export function readUtf8(bytes: Buffer): Buffer {
  if (isUtf8(bytes)) return bytes
  throw new errors.UTF8_INVALID(
    'the body is not valid UTF-8: encode text as UTF-8, or binary as base64',
  )
}

let lastTurn: Promise<unknown> = Promise.resolve()

/** As `parseJson`: at once, or for a large body when it is its turn. */
export function parseJsonInTurn(bytes: Buffer): unknown {
  if (bytes.length <= LARGE_BODY_BYTES) return parseJson(bytes)
  const turn = lastTurn.then(() => nextTurn())
  lastTurn = turn
  return turn.then(() => parseJson(bytes))
}

/** The value of a JSON body. Throws if it is not JSON, or holds what JavaScript would change silently. */
export function parseJson(bytes: Buffer): unknown {
  const text = readUtf8(bytes).toString()
  const inexact = scan(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const message = `the body is not valid JSON: ${(error as SyntaxError).message}`
    throw new errors.JSON_INVALID(message)
  }
  if (inexact === undefined) return value
  const where = Array.isArray(value) ? `item ${inexact.item}: ` : ''
  const excerpt = quote(inexact.number).replaceAll('"', '')
  const message = `${where}the number ${excerpt} can't be kept exactly: send it as a string`
  throw new errors.NUMBER_INEXACT(message)
}

/**
 * Looks over a text that may be JSON: `JSON.parse` takes seconds for 8 MB of brackets (measured), and does not tell how
 * numbers were written. Refuses what would take it too long; returns the first number that can't be kept, and its place
 * in a batch.
 */
function scan(text: string): { readonly number: string; readonly item: number } | undefined {
  let inexact: { number: string; item: number } | undefined
  let depth = 0
  let item = 0
  let parts = 0
  const isBatch = text.trimStart().startsWith('[')
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i] as string
    if (character === '"') i = endOfString(text, i)
    else if (character === ':') parts += 1
    else if (character === '[' || character === '{') {
      parts += 1
      if (parts > MAX_PARTS) throw tooManyParts()
      depth += 1
      if (depth > MAX_DEPTH) {
        const message = `the body's JSON is nested deeper than ${MAX_DEPTH} levels`
        throw new errors.JSON_TOO_DEEP(message)
      }
    } else if (character === ']' || character === '}') depth -= 1
    else if (character === ',') {
      if (depth !== 1) continue
      item += 1
      if (isBatch && item >= MAX_BATCH_ITEMS) throw tooManyItems()
    } else if (character === '-' || isDigit(character)) {
      const start = i
      while (isOfNumber(text[i + 1])) i += 1
      const number = text.slice(start, i + 1)
      if (inexact === undefined && !isKept(number)) inexact = { number, item }
    }
  }
  if (parts > MAX_PARTS) throw tooManyParts()
  return inexact
}

function tooManyParts() {
  const message = `the body's JSON has more than ${MAX_PARTS} objects, lists and keys: send it in parts, or as strings`
  return new errors.BODY_TOO_LARGE(message)
}

function tooManyItems() {
  return new errors.BODY_INVALID(`a batch has 1 to ${MAX_BATCH_ITEMS} items, and this one has more`)
}

/** Where the string that begins at `start` has its closing quote; the end of the text: nowhere. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end < 0 ? text.length : end
}

/** An odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let start = at
  while (text[start - 1] === '\\') start -= 1
  return (at - start) % 2 === 1
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9'
}

function isOfNumber(character: string | undefined): boolean {
  return character !== undefined && (isDigit(character) || '+-.eE'.includes(character))
}

/**
 * An integer must arrive with its value, or as JSON.stringify wrote it of a double, in whatever notation. Fractions
 * round as `JSON.parse` rounds them, and nothing may become infinite.
 */
function isKept(number: string): boolean {
  const value = Number(number)
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return true
  if (String(value) === number) return true
  if (!Number.isFinite(value)) return false
  const written = toDecimal(number)
  const isFraction = written.includes('-')
  return isFraction || [value, BigInt(value)].some((kept) => toDecimal(String(kept)) === written)
}

/** Digits and exponent, without zeros at either end: one form for each value. The sign is left out. */
function toDecimal(number: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = PARTS.exec(number) ?? []
  const digits = whole + fraction
  let start = 0
  while (digits[start] === '0') start += 1
  let end = digits.length
  while (end > start && digits[end - 1] === '0') end -= 1
  return `${digits.slice(start, end)}e${Number(exponent) - fraction.length + digits.length - end}`
}
