/** An event as a client hands it on. */
export interface Heard {
  /** `message` when untyped. */
  readonly event: string
  readonly data: string
  /** The last id the client knows then; empty if none. */
  readonly id: string
}

/** One subscription by a client. */
export interface Follower {
  /** In the order they came. */
  readonly heard: readonly Heard[]
  /** It has stopped by itself, and will not ask again. */
  readonly isOver: boolean
  close(): Promise<void>
}

/** A way to read a stream, used as docs/clients.md recommends it. */
export interface Client {
  /** Of the pages it asks from; undefined: it isn't in a browser. */
  readonly origin: string | undefined
  /** Starts to follow `url` until closed or over, listening to these event types (a client with one handler hears all). */
  follow(url: string, events: readonly string[]): Promise<Follower>
}

/** What a client does with what the contract leaves to it: measured by measure-traits.ts, told in docs/clients.md. */
export interface Traits {
  /** Who comes back after an end or a cut. */
  readonly reconnects: 'itself' | 'your loop'
  /** Where `piazza.*` events go. */
  readonly controlEvents: 'to their listeners' | 'to the one handler'
  /** A block with `id:` and without data. */
  readonly idOnlyBlock: 'id kept' | 'ignored' | 'an event'
  /** A block that was cut before its blank line. */
  readonly tornBlock: 'dropped' | 'dropped, id kept' | 'put before the next'
  /** A comment with a blank line behind it. */
  readonly blankComment: 'ignored' | 'an event'
  /** The stream ends, whole. */
  readonly cleanEnd: 'comes back' | 'stops'
  /** The connection closes before an answer. */
  readonly noAnswer: 'comes back' | 'stops'
  readonly after503: 'comes back' | 'stops'
  readonly after204: 'comes back' | 'stops'
}
