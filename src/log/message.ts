import { formatId, type Position } from '../position.ts'
import { encodeBody, withId } from '../sse/frame.ts'
import { type Utf8 } from '../sse/utf8.ts'

/** What a publisher asks to be sent; shape and meaning have been checked. */
export interface Publication {
  /** 1-100 distinct names. */
  readonly channels: readonly string[]
  /** Empty: untyped. */
  readonly event: Utf8
  /** The SSE reconnection time, ms. */
  readonly retry: number | undefined
  readonly data: Utf8
  readonly isEphemeral: boolean
  readonly isEnd: boolean
}

/**
 * What lies in a log: immutable, and shared by the logs of all its channels and by all streams. The frame is the only
 * copy of the content; what else is needed of it (`events=`, `envelope=1`, history) is read back from there.
 */
export interface Message {
  readonly position: Position
  /** Empty for the mark that a DELETE leaves: its channel has ended, and there is nothing to send. */
  readonly frame: Utf8
  readonly channels: readonly string[]
  readonly isEnd: boolean
  /** Not stored, without id. */
  readonly isEphemeral: boolean
}

/** `channels`: those of the publication, or an equal list that is kept anyway. */
export function createMessage(
  publication: Publication,
  position: Position,
  channels = publication.channels,
): Message {
  const { isEnd, isEphemeral } = publication
  return completeMessage({ body: encodeBody(publication), channels, isEnd, isEphemeral }, position)
}

/** A message whose block has been encoded up to its `id:` line. */
export interface Unplaced {
  readonly body: Utf8
  readonly channels: readonly string[]
  readonly isEnd: boolean
  readonly isEphemeral: boolean
}

export function completeMessage(unplaced: Unplaced, position: Position): Message {
  const { body, channels, isEnd, isEphemeral } = unplaced
  const frame = withId(body, isEphemeral ? '' : formatId(position))
  return { position, frame, channels, isEnd, isEphemeral }
}

/**
 * The mark that a DELETE leaves in the log, so that each stream hears of it in its place. `channels`: those that ended
 * there.
 */
export function createDeletion(channels: readonly string[], position: Position): Message {
  return { position, frame: '' as Utf8, channels, isEnd: true, isEphemeral: false }
}

export function isDeletion(message: Message): boolean {
  return message.frame === ''
}
