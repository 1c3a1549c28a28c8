const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const SIZE = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/
const SIZE_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

/** `500ms`, `15s`, `10m`, `1h`, `7d` in ms; undefined for anything else, a bare number too. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (match === null) return undefined
  return Math.round(Number(match[1]) * DURATION_MS[match[2] as keyof typeof DURATION_MS])
}

/** `64KiB`, `1MiB` in bytes; undefined for anything else, a bare number too. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text)
  if (match === null) return undefined
  return Math.round(Number(match[1]) * SIZE_BYTES[match[2] as keyof typeof SIZE_BYTES])
}

/** A whole number of at most 15 digits. */
export function parseInteger(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

const PER_SECOND = '/s'

/** `100/s`; undefined for anything else, a bare number too. */
export function parseRate(text: string): number | undefined {
  return text.endsWith(PER_SECOND) ? parseInteger(text.slice(0, -PER_SECOND.length)) : undefined
}

/** `1MiB/s` in bytes a second. */
export function parseByteRate(text: string): number | undefined {
  return text.endsWith(PER_SECOND) ? parseSize(text.slice(0, -PER_SECOND.length)) : undefined
}
