import { type Log } from '../../log/log.ts'
import { isDeletion } from '../../log/message.ts'
import { readAfter } from '../../log/read.ts'
import { type Position } from '../../position.ts'
import {
  type ChannelPage,
  type ChannelState,
  type HistoryPage,
  type ListPlace,
  type ListQuery,
  type Opening,
} from '../broker.ts'

/** Frames in one page of a history; a single message may be larger. */
const MAX_HISTORY_BYTES = 4 * 1024 * 1024
/** Channels looked at for one page of a list. */
const MAX_LISTED_CHANNELS = 10_000

/** What is known of a channel; nothing if it has no log. */
export function stateOf(name: string, log: Log | undefined): ChannelState {
  return {
    name,
    newest: log === undefined ? undefined : newestOf(log),
    messages: log?.messageCount ?? 0,
    bytes: log?.bytes ?? 0,
    isEnded: log?.endedAt !== undefined,
  }
}

export function readHistory(
  log: Log,
  { cursor, floors, gap }: Opening,
  limit: number,
): HistoryPage {
  const batch = readAfter([log], cursor, MAX_HISTORY_BYTES, floors)
  const messages = batch.messages.filter((message) => !isDeletion(message))
  return {
    messages: messages.slice(0, limit),
    isComplete: gap === undefined,
    hasMore: batch.hasMore || messages.length > limit,
    newest: newestOf(log),
  }
}

/** `newestFirst`: logs from the one that was published to last. */
export function listChannels(
  newestFirst: Iterable<Log>,
  { matches, limit, after }: ListQuery,
): ChannelPage {
  const found: Log[] = []
  let seen = 0
  let last: Log | undefined
  let hasMore = false
  for (const log of newestFirst) {
    if (log.messageCount === 0 || !isBehind(log, after)) continue
    const isTied = log.end === last?.end // of one message to several channels: these stay together
    hasMore = !isTied && (found.length >= limit || seen >= MAX_LISTED_CHANNELS)
    if (hasMore) break
    seen += 1
    if (!isTied || compareNames(log.channel, last!.channel) > 0) last = log
    if (matches(log.channel)) found.push(log)
  }
  found.sort((a, b) => b.end - a.end || compareNames(a.channel, b.channel))
  const page = found.slice(0, limit)
  const end = found.length > limit ? page.at(-1) : hasMore ? last : undefined
  return {
    channels: page.map((log) => stateOf(log.channel, log)),
    next: end && { newest: end.end, channel: end.channel },
  }
}

/** The position of the newest retained message. */
function newestOf({ newest }: Log): Position | undefined {
  return newest === undefined || isDeletion(newest) ? undefined : newest.position
}

function isBehind(log: Log, place: ListPlace | undefined): boolean {
  if (place === undefined || log.end < place.newest) return true
  return log.end === place.newest && compareNames(log.channel, place.channel) > 0
}

/** By bytes: names are ASCII. */
function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
