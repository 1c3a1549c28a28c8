import { readFileSync, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type AccessLog } from './access-log.ts'
import { isPublishKey, PUBLISH_KEY_RULE } from './publish-keys.ts'

/** Every token is compared with all of them. */
const MAX_KEYS = 1000
const MAX_FILE_BYTES = 1024 * 1024
/** By polling: it works on every file system, and where a symbolic link is moved (Kubernetes). */
const POLL_INTERVAL_MS = 2000

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
  #keys: readonly string[]
  /** What was looked at last; empty at first, so that a change just before the first look is seen. */
  #state = ''
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: PublishKeysFileOptions) {
    this.#options = options
    this.#keys = options.keys
    this.#lookLater()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #lookLater(): void {
    if (this.#isClosed) return
    const { pollIntervalMs = POLL_INTERVAL_MS } = this.#options
    this.#timer = setTimeout(() => void this.#look(), pollIntervalMs).unref()
  }

  async #look(): Promise<void> {
    const state = await stateOf(this.#options.path)
    if (state !== this.#state && !this.#isClosed) this.#read()
    this.#state = state
    this.#lookLater()
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

/** Differs when the file has changed, or another has come into its place. */
async function stateOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path)
    return [ino, size, mtimeMs, ctimeMs].join()
  } catch (error) {
    return (error as Error).message
  }
}
