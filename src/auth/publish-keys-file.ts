import { readFileSync, type StatsListener, statSync, unwatchFile, watchFile } from 'node:fs'
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
  readonly onKeys: (keys: readonly string[]) => void
  readonly log: AccessLog
  readonly pollIntervalMs?: number
}

/** Reads the file again when it has changed. As long as it is wrong, the keys that were read before are good. */
export class PublishKeysFile {
  readonly #path: string
  readonly #onChange: StatsListener

  constructor({ path, onKeys, log, pollIntervalMs = POLL_INTERVAL_MS }: PublishKeysFileOptions) {
    this.#path = path
    this.#onChange = () => {
      try {
        const keys = readPublishKeysFile(path)
        onKeys(keys)
        log.info({ keys: keys.length }, 'publish keys read again')
      } catch (error) {
        const { message } = error as Error
        log.warn({ reason: message }, 'publish keys could not be read again: the old ones are kept')
      }
    }
    watchFile(path, { persistent: false, interval: pollIntervalMs }, this.#onChange)
  }

  close(): void {
    unwatchFile(this.#path, this.#onChange)
  }
}
