import { readFileSync, statSync } from 'node:fs'
import { type AccessLog } from './access-log.ts'
import { WatchedFiles } from '../watched-files.ts'
import { isPublishKey, PUBLISH_KEY_RULE } from './publish-keys.ts'

/** Every token is compared with all of them. */
const MAX_KEYS = 1000
const MAX_FILE_BYTES = 1024 * 1024

/** The keys of a file, one per line; empty lines and those that begin with `#` don't count. Throws what is wrong. */
export function readPublishKeysFile(path: string): string[] {
  if (statSync(path).size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES}`)
  const lines = readFileSync(path, 'utf8').split('\n')
  const keys: string[] = []
  for (const [i, line] of lines.entries()) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    if (!isPublishKey(text)) throw new Error(`line ${i + 1} is not one of ${PUBLISH_KEY_RULE}`)
    keys.push(text)
  }
  if (keys.length >= 1 && keys.length <= MAX_KEYS) return keys
  throw new Error(`it has ${keys.length} keys, not 1 to ${MAX_KEYS}`)
}

export interface PublishKeysFileOptions {
  readonly path: string
  /** As they were read at start. */
  readonly keys: readonly string[]
  readonly onKeys: (keys: readonly string[]) => void
  readonly log: AccessLog
  readonly pollIntervalMs?: number
}

/** Reads the file again when it has changed. As long as it is wrong, the keys that were read before are good. */
export class PublishKeysFile {
  readonly #options: PublishKeysFileOptions
  readonly #watched: WatchedFiles
  #keys: readonly string[]

  constructor(options: PublishKeysFileOptions) {
    const { path, keys, pollIntervalMs } = options
    this.#options = options
    this.#keys = keys
    this.#watched = new WatchedFiles({
      paths: [path],
      onChange: () => this.#read(),
      pollIntervalMs,
    })
  }

  close(): void {
    this.#watched.close()
  }

  #read(): void {
    const { path, onKeys, log } = this.#options
    try {
      const keys = readPublishKeysFile(path)
      if (keys.join('\n') === this.#keys.join('\n')) return
      this.#keys = keys
      onKeys(keys)
      log.info({ keys: keys.length }, 'publish keys read again')
    } catch (error) {
      const { message } = error as Error
      log.warn({ reason: message }, 'publish keys could not be read again: the old ones are kept')
    }
  }
}
