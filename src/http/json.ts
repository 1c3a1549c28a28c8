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
  if (isDeeper(value, MAX_DEPTH)) {
    throw new errors.JSON_TOO_DEEP(`the body's JSON is nested deeper than ${MAX_DEPTH} levels`)
  }
  if (MAY_BE_INEXACT.test(text)) requireExactNumbers(text)
  return value
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  const inners: unknown[] = Array.isArray(value) ? value : Object.values(value)
  for (const inner of inners) if (isDeeper(inner, levels - 1)) return true
  return false
}

/** Only called for bodies that may need it: this parser keeps the text of numbers, and is slower. */
function requireExactNumbers(text: string): void {
  parseLossless(text, null, {
    parseNumber: requireExact,
    onDuplicateKey: ({ newValue }) => newValue, // as JSON.parse does
  })
}

/** Fractions round as `JSON.parse` rounds them; integers must survive, and nothing may become infinite. */
function requireExact(text: string): number {
  const value = Number(text)
  const isExact = INTEGER.test(text) ? BigInt(text) === BigInt(value) : Number.isFinite(value)
  if (isExact) return value
  const message = `the number ${quote(text).slice(1, -1)} can't be kept exactly: send it as a string`
  throw new errors.NUMBER_INEXACT(message)
}
