import { isUtf8 } from 'node:buffer'
import { parse as parseLossless } from 'lossless-json'
import { errors, quote } from '../errors.ts'

/** Deeper values are refused: `JSON.stringify` and every reader behind it recurses. */
const MAX_DEPTH = 200
/** Bodies without such digits can't hold a number that a double would change. */
const MAY_BE_INEXACT = /\d{16}|\d[eE]\+?\d{3}/
const INTEGER = /^-?\d+$/

/** Throws `UTF8_INVALID`. */
export function readUtf8(bytes: Buffer): Buffer {
  if (isUtf8(bytes)) return bytes
  throw new errors.UTF8_INVALID(
    'the body is not valid UTF-8: encode text as UTF-8, or binary as base64',
  )
}

/** The value of a JSON body. Throws if it is not JSON, or holds what JavaScript would change silently. */
export function parseJson(bytes: Buffer): unknown {
  const text = readUtf8(bytes).toString()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const message = `the body is not valid JSON: ${(error as SyntaxError).message}`
    throw new errors.JSON_INVALID(message)
  }
  if (isDeeper(value, MAX_DEPTH)) throw tooDeep()
  if (MAY_BE_INEXACT.test(text)) requireExactNumbers(text)
  return value
}

function tooDeep() {
  return new errors.JSON_TOO_DEEP(`the body's JSON is nested deeper than ${MAX_DEPTH} levels`)
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  const inners: unknown[] = Array.isArray(value) ? value : Object.values(value)
  for (const inner of inners) if (isDeeper(inner, levels - 1)) return true
  return false
}

/** A number that can't be kept; `text` is how it was written. */
class Inexact {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Only called for bodies that may need it: this parser keeps the text of numbers, and is slower. */
function requireExactNumbers(text: string): void {
  let hasInexact = false
  let parsed: unknown
  try {
    parsed = parseLossless(text, null, {
      parseNumber: (number) => {
        if (isKept(number)) return 0
        hasInexact = true
        return new Inexact(number)
      },
      onDuplicateKey: ({ newValue }) => newValue, // as JSON.parse does
    })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw tooDeep() // under a key that is given again: JSON.parse has dropped it
  }
  if (!hasInexact) return
  const items = Array.isArray(parsed) ? parsed : [parsed]
  const index = items.findIndex((item) => findInexact(item) !== undefined)
  const found = findInexact(items[index])
  if (found === undefined) return // a repeated key has replaced it
  const where = Array.isArray(parsed) ? `item ${index}: ` : ''
  const excerpt = quote(found.text).replaceAll('"', '')
  const message = `${where}the number ${excerpt} can't be kept exactly: send it as a string`
  throw new errors.NUMBER_INEXACT(message)
}

/**
 * An integer must arrive with its value, or as JSON.stringify wrote it of a double. Fractions round as `JSON.parse`
 * rounds them, and nothing may become infinite.
 */
function isKept(text: string): boolean {
  const value = Number(text)
  if (!INTEGER.test(text)) return Number.isFinite(value)
  return Number.isFinite(value) && (String(value) === text || BigInt(text) === BigInt(value))
}

function findInexact(value: unknown): Inexact | undefined {
  if (value instanceof Inexact) return value
  if (typeof value !== 'object' || value === null) return undefined
  for (const inner of Object.values(value)) {
    const found = findInexact(inner)
    if (found !== undefined) return found
  }
  return undefined
}
