import { type IncomingHttpHeaders } from 'node:http'
import { ask, decoded, type Target } from './target.ts'

export interface ProbeOptions {
  readonly lastEventId?: string
  readonly hasPadding?: boolean
}

/** A stream through whatever is in between, and when what came. */
export class Probe {
  readonly openedMs = performance.now()
  /** 0 until the head is there. */
  status = 0
  headers: IncomingHttpHeaders = {}
  text = ''
  /** When something came last. */
  heardMs = this.openedMs
  isOver = false
  /** Why nobody was reached. */
  failure: NodeJS.ErrnoException | undefined
  readonly #abort = new AbortController()
  readonly #wakers = new Set<() => void>()

  constructor(target: Target, { lastEventId, hasPadding = false }: ProbeOptions = {}) {
    const path = `channels/${encodeURIComponent(target.channel)}${hasPadding ? '?padding=1' : ''}`
    const headers = {
      accept: 'text/event-stream',
      'accept-encoding': 'gzip, deflate, br', // as browsers do
      'cache-control': 'no-cache',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    }
    this.#read(target, path, headers).catch((error: NodeJS.ErrnoException) => {
      if (this.status === 0 && !this.#abort.signal.aborted) this.failure = error
      this.#end()
    })
  }

  /** The opening block is whole. */
  get isOpen(): boolean {
    return this.#openingBlock !== undefined
  }

  /** The position that the stream began at. */
  get openingId(): string {
    return /^id: (.*)$/m.exec(this.#openingBlock ?? '')?.[1] ?? ''
  }

  /** What the hub says of its heartbeats; 0: it sends none, or has not said. */
  get heartbeatSeconds(): number {
    return Number(/"heartbeat":(\d+)/.exec(this.#openingBlock ?? '')?.[1] ?? 0)
  }

  /** The data of each event of this type. */
  control(event: string): string[] {
    const pattern = new RegExp(`^event: piazza\\.${event}\\n(?:retry: \\d+\\n)?data: (.*)\\n`, 'gm')
    return [...this.text.matchAll(pattern)].map(([, data]) => data!)
  }

  get #openingBlock(): string | undefined {
    return this.text
      .split('\n\n')
      .slice(0, -1)
      .find((block) => block.includes('event: piazza.open'))
  }

  /** Whether it became true in that time. Nothing more is waited for when the stream is over. */
  async until(isTrue: () => boolean, deadlineMs: number): Promise<boolean> {
    const endMs = performance.now() + deadlineMs
    while (!isTrue() && !this.isOver && performance.now() < endMs) {
      await this.#next(endMs - performance.now())
    }
    return isTrue()
  }

  close(): void {
    this.#abort.abort()
  }

  async #read(target: Target, path: string, headers: Record<string, string>): Promise<void> {
    const answer = await ask(target, { path, headers }, this.#abort.signal)
    this.status = answer.statusCode ?? 0
    this.headers = answer.headers
    this.#wake()
    for await (const part of decoded(answer).setEncoding('utf8')) {
      this.text += (part as string).replaceAll('\r', '')
      this.heardMs = performance.now()
      this.#wake()
    }
    this.#end()
  }

  #next(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, Math.max(1, deadlineMs))
      this.#wakers.add(wake)
    })
  }

  #end(): void {
    this.isOver = true
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#wakers) wake()
  }
}
