import { readFileSync } from 'node:fs'

/** Files for the rest of the process: publishers, Redis, logs. */
const MIN_RESERVED_FILES = 64
const MAX_RESERVED_FILES = 1024
const RESERVED_SHARE = 0.25
/** Where the system does not tell its limit. */
const ASSUMED_FILES = 1024

/** Streams that the process's limit of open files allows, with room for everything else. */
export function maxStreamsFromFileLimit(limitsFile = '/proc/self/limits'): number {
  const files = readFileLimit(limitsFile)
  const reserved = Math.min(
    MAX_RESERVED_FILES,
    Math.max(MIN_RESERVED_FILES, files * RESERVED_SHARE),
  )
  return Math.max(1, Math.floor(files - reserved))
}

/** Redis, logs, files of keys, and what Node itself has open. */
const KEPT_FILES = 32

/**
 * Connections of all kinds that there may be. Beyond, the next are closed as they come: with no file left the hub could
 * neither read its keys nor come back to Redis.
 */
export function maxConnectionsFromFileLimit(limitsFile = '/proc/self/limits'): number {
  return Math.max(1, readFileLimit(limitsFile) - KEPT_FILES)
}

function readFileLimit(limitsFile: string): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync(limitsFile, 'utf8'))?.[1]
    if (soft === 'unlimited') return 2 ** 20
    return Number(soft ?? ASSUMED_FILES)
  } catch {
    return ASSUMED_FILES // no procfs: not Linux
  }
}
