import { stat } from 'node:fs/promises'

/** By polling: it works on every file system, and where a symbolic link is moved (Kubernetes). */
const POLL_INTERVAL_MS = 2000

export interface WatchedFilesOptions {
  readonly paths: readonly string[]
  /** One of them may have changed; called also after the first look, for what changed before it. Must not throw. */
  readonly onChange: () => void
  readonly pollIntervalMs?: number | undefined
}

/** Looks at files that are read at start whether they have changed since. */
export class WatchedFiles {
  readonly #options: WatchedFilesOptions
  /** What was looked at last; empty at first, so that a change just before the first look is seen. */
  #state = ''
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: WatchedFilesOptions) {
    this.#options = options
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

  /** The state is taken before they are read: what changes in between is read again next time. */
  async #look(): Promise<void> {
    const states = await Promise.all(this.#options.paths.map(stateOf))
    const state = states.join('\n')
    if (state !== this.#state && !this.#isClosed) this.#options.onChange()
    this.#state = state
    this.#lookLater()
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
