import { type CodedError } from '../errors.ts'
import { type Log } from '../log/log.ts'
import { type Message, type Publication } from '../log/message.ts'
import { type Floors } from '../log/read.ts'
import { type Position } from '../position.ts'
import { type Gap, type GapReason } from '../sse/control-frame.ts'

/** Makes a publish safe to repeat: the same key of the same scope is stored once. */
export interface IdempotencyKey {
  /** Whose key it is. */
  readonly scope: string
  readonly key: string
}

export interface PublishRequest extends Publication {
  readonly idempotency: IdempotencyKey | undefined
}

/** `error`: nothing of this publication was stored. */
export type PublishResult =
  | { readonly position: Position; readonly isDuplicate: boolean }
  | { readonly error: CodedError }

/** Where a stream wants to begin (protocol §3). */
export type Start =
  | { readonly kind: 'now' }
  | { readonly kind: 'after'; readonly id: string }
  /** `time` 0: all that is retained. */
  | { readonly kind: 'since'; readonly time: Position }
  | { readonly kind: 'newest'; readonly count: number }

/** What a stream is sent first, or next, and where it goes on. */
export interface Page {
  /** Stands before the messages. */
  readonly gap: Gap | undefined
  /** Read for it, in the order of positions. */
  readonly messages: readonly Message[]
  /** Everything later is to be delivered, later than its floor where there are floors. */
  readonly cursor: Position
  readonly floors: Floors | undefined
}

/** Where a stream does begin, and what could not be proved. */
export interface Opening extends Page {
  /** What the opening block tells. */
  readonly position: Position
}

/** What the store holds of a channel. */
export interface ChannelState {
  readonly name: string
  /** Of the newest message that is retained. */
  readonly newest: Position | undefined
  readonly messages: number
  /** Of frames. */
  readonly bytes: number
  readonly isEnded: boolean
}

/** Retained messages of one channel behind a place. */
export interface HistoryPage {
  readonly messages: readonly Message[]
  /** Nothing behind the place was dropped. */
  readonly isComplete: boolean
  /** A limit cut it. */
  readonly hasMore: boolean
  readonly newest: Position | undefined
}

/** A place in the list of channels: the newest first, those of one message in the order of their names. */
export interface ListPlace {
  readonly newest: Position
  readonly channel: string
}

/** Which channels a listing wants. */
export interface ListQuery {
  readonly matches: (channel: string) => boolean
  readonly limit: number
  /** `next` of the page before. */
  readonly after: ListPlace | undefined
}

/** Channels that have messages. A page may be short, or even empty, where few of many channels match. */
export interface ChannelPage {
  readonly channels: readonly ChannelState[]
  /** Go on behind this place; undefined: there are no more. */
  readonly next: ListPlace | undefined
}

/** Whom a broker tells; the hub. Called synchronously, and must not throw. */
export interface BrokerListener {
  /**
   * A message of a subscribed channel: already in the channel's log, or ephemeral and in none. Once for each of its
   * subscribed channels, in the order of positions over all channels.
   */
  deliver(channel: string, message: Message): void

  /**
   * A subscribed channel was deleted, and its name is about to be free again: its log still has the mark. Who has not
   * read that far by now never will, and must not go on to what the name is used for next.
   */
  reopen(channel: string): void

  /**
   * Messages up to `position` are lost, or no longer in the log: streams that have not passed it read what is left by
   * `Broker.read`, those that have are told. Nothing up to `after` is missing. `channel` null: of all channels.
   */
  miss(channel: string | null, position: Position, reason: GapReason, after: Position): void
}

/**
 * Where messages are stored, and from where all replicas hear of them.
 *
 * Order: one clock gives out positions; the messages of all channels are delivered in its order. Only one that was
 * lost on its way, and found later, may come late: still in the order of its own channel.
 * Atomicity: a publication is stored in all its channels or in none, in one step with the checks of its key and of
 * ends. Several publications of one call are stored one after the other, each on its own.
 * What may fail: `publish` and `delete` reject with a coded error (503) while the store can't be reached; a result
 * carries what concerns one publication alone (ended channel, reused key).
 */
export interface Broker {
  /** Called once, before anything else. */
  listen(listener: BrokerListener): void

  /** Stores all; resolves when what has no error is in the logs that replays come from. One result each, in order. */
  publish(requests: readonly PublishRequest[]): Promise<PublishResult[]>

  /** Drops the log of a channel and ends it. Idempotent; the channel need not exist. */
  delete(channel: string): Promise<void>

  /** Called for a channel's first stream: from now on its messages are delivered, and its log can be read. */
  subscribe(channel: string): Log

  /** Called when its last stream has gone: the log must not be read any more. */
  unsubscribe(channel: string): void

  /**
   * Proves where a stream of these channels, all subscribed, can begin (protocol §4). Waits for as long as the store
   * can't be reached; rejects only when the broker was closed or a channel unsubscribed meanwhile.
   */
  open(logs: readonly Log[], start: Start): Promise<Opening>

  /**
   * What lies behind a cursor, where a log does not reach back to it: a bounded page, and the gap for what is lost.
   * Waits, and rejects, as `open`.
   */
  read(logs: readonly Log[], cursor: Position, floors: Floors | undefined): Promise<Page>

  /** A position up to which these subscribed logs are complete; whatever comes will be later, unless it comes late. */
  position(logs?: readonly Log[]): Position

  /** An unknown channel has nothing, and is not created. */
  inspect(channel: string): Promise<ChannelState>

  /** What a stream that began there would be sent, oldest first: at most `limit`, and at most some MiB. */
  history(channel: string, start: Start, limit: number): Promise<HistoryPage>

  list(query: ListQuery): Promise<ChannelPage>

  /** What an operator is told of the store. */
  readonly name: 'memory' | 'redis'

  /** The store was reached at least once. */
  readonly isReady: boolean

  /** It is reached now. */
  readonly isConnected: boolean

  /** Idempotent. */
  close(): Promise<void>
}
