import { completeMessage, createDeletion, type Message } from '../../log/message.ts'
import { type Position } from '../../position.ts'
import { utf8FromBytes, type Utf8 } from '../../sse/utf8.ts'
import { type Reply } from './commands.ts'
import { type EndMark } from './reading.ts'

/** What is known of one message in one channel, from its announcement or from the log in Redis. */
export interface Announcement {
  readonly position: Position
  /** The position of the message before it in this channel. */
  readonly previous: Position
  readonly kind: AnnouncementKind
  /** All its channels; empty: this one only. */
  readonly channels: readonly string[]
  /** The frame up to its `id:` line. */
  readonly body: Utf8
  /** Of a tombstone that was found late: for so long the name stays closed. */
  readonly remainingMs?: number
}

/** `m` message, `e` end, `x` ephemeral, `t` the tombstone of a DELETE. As the scripts write it. */
export type AnnouncementKind = 'm' | 'e' | 'x' | 't'

/** A header line `kind position previous channels`, then the frame's body. */
export function decodeAnnouncement(payload: Buffer): Announcement {
  const headerEnd = payload.indexOf(0x0a)
  const [kind, position, previous, channels] = payload.toString('latin1', 0, headerEnd).split(' ')
  return {
    position: Number(position),
    previous: Number(previous),
    kind: kind as AnnouncementKind,
    channels: splitNames(channels ?? ''),
    body: utf8FromBytes(payload.subarray(headerEnd + 1)),
  }
}

/** An entry as `read.lua` and `newest.lua` give it: position, previous, kind, channels, body. */
export function decodeEntry(entry: Reply): Announcement {
  const [position, previous, kind, channels, body] = entry as readonly Buffer[]
  return {
    position: Number(position!.toString('latin1')),
    previous: Number(previous!.toString('latin1')),
    kind: kind!.toString('latin1') as AnnouncementKind,
    channels: splitNames(channels!.toString('latin1')),
    body: utf8FromBytes(body!),
  }
}

/** What would have announced this DELETE. */
export function tombstone({ position, remainingMs }: EndMark): Announcement {
  return { position, previous: 0, kind: 't', channels: [], body: '' as Utf8, remainingMs }
}

/** `alone`: the list of a message that went to `channel` only, one for all of them. */
export function toMessage(
  { position, kind, channels, body }: Announcement,
  channel: string,
  alone: readonly string[] = [channel],
): Message {
  if (kind === 't') return createDeletion(alone, position)
  const unplaced = {
    body,
    channels: channels.length === 0 ? alone : channels,
    isEnd: kind === 'e',
    isEphemeral: kind === 'x',
  }
  return completeMessage(unplaced, position)
}

/** Bytes that it takes while it waits. */
export function sizeOf({ body }: Announcement): number {
  return body.length + ANNOUNCEMENT_OVERHEAD_BYTES
}

const ANNOUNCEMENT_OVERHEAD_BYTES = 200

function splitNames(names: string): readonly string[] {
  return names === '' ? [] : names.split(',')
}
