import { parseId } from '../../position.ts'
import {
  type ChannelPage,
  type ChannelState,
  type HistoryPage,
  type ListPlace,
  type ListQuery,
  type Start,
} from '../broker.ts'
import { type Message } from '../../log/message.ts'
import { type Commands, type Reply } from './commands.ts'
import { type Pages } from './pages.ts'
import { decodeMark, toPosition } from './reading.ts'

export interface InspectionOptions {
  readonly commands: Commands
  readonly pages: Pages
}

/** Channels looked at in one command, and for one page of a list. */
const LISTED_PER_COMMAND = 500
const MAX_LISTED_CHANNELS = 10_000
/** Channels whose state one script tells, and frames that it looks at for that. */
const INSPECTED_PER_SCRIPT = 100
const INSPECTED_BYTES = 1024 * 1024
/** Frames in one page of a history; a single message may be larger. */
const MAX_HISTORY_BYTES = 4 * 1024 * 1024

/** Looking into what Redis holds. */
export class Inspection {
  readonly #commands: Commands
  readonly #pages: Pages

  constructor({ commands, pages }: InspectionOptions) {
    this.#commands = commands
    this.#pages = pages
  }

  async inspect(channel: string): Promise<ChannelState> {
    return (await this.#inspectAll([channel]))[0]!
  }

  async history(channel: string, start: Start, limit: number): Promise<HistoryPage> {
    const channels = [channel]
    const messages: Message[] = []
    let bytes = 0
    let isComplete = true
    let from = start.kind === 'after' ? (parseId(start.id) ?? Number.MAX_SAFE_INTEGER) : 0
    if (start.kind === 'since') from = start.time
    let kind: 'after' | 'since' = start.kind === 'after' ? 'after' : 'since'
    let hasMore = true
    while (hasMore && messages.length <= limit && bytes < MAX_HISTORY_BYTES) {
      const page = await this.#pages.readOnce({ channels, from, floors: undefined, kind })
      isComplete &&= page.gap === undefined
      messages.push(...page.messages)
      for (const { frame } of page.messages) bytes += frame.length
      hasMore = page.floors !== undefined
      from = page.cursor
      kind = 'after'
    }
    const { newest } = await this.inspect(channel)
    const isCut = messages.length > limit
    return { messages: messages.slice(0, limit), isComplete, hasMore: hasMore || isCut, newest }
  }

  async list({ matches, limit, after }: ListQuery): Promise<ChannelPage> {
    const found: ListPlace[] = []
    let place = after
    let seen = 0
    let hasMore = true
    while (hasMore && found.length < limit && seen < MAX_LISTED_CHANNELS) {
      const places = await this.#placesBehind(place)
      hasMore = places.length > 0
      place = places.at(-1) ?? place
      seen += places.length
      found.push(...places.filter(({ channel }) => matches(channel)))
    }
    const page = found.slice(0, limit)
    const end = found.length > limit ? page.at(-1) : hasMore ? place : undefined
    const states = await this.#inspectAll(page.map(({ channel }) => channel))
    return { channels: states.filter(({ messages }) => messages > 0), next: end }
  }

  /** Newest first; those of one message in the order of their names. */
  async #placesBehind(place: ListPlace | undefined): Promise<ListPlace[]> {
    const newest = place === undefined ? '+inf' : place.newest.toFixed(0)
    const pairs = await this.#commands.newestMembers('channels', newest, LISTED_PER_COMMAND)
    const places: ListPlace[] = []
    for (let i = 0; i < pairs.length; i += 2) {
      places.push({ channel: pairs[i]!.toString('latin1'), newest: toPosition(pairs[i + 1]!) })
    }
    places.sort((a, b) => b.newest - a.newest || (a.channel < b.channel ? -1 : 1))
    if (place === undefined) return places
    return places.filter(
      (one) =>
        one.newest < place.newest || (one.newest === place.newest && one.channel > place.channel),
    )
  }

  async #inspectAll(channels: readonly string[]): Promise<ChannelState[]> {
    const states: ChannelState[] = []
    while (states.length < channels.length) {
      const part = channels.slice(states.length, states.length + INSPECTED_PER_SCRIPT)
      const reply = await this.#commands.run('inspect', [INSPECTED_BYTES, ...part])
      for (const [i, state] of (reply as readonly Reply[]).entries()) {
        states.push(toState(part[i]!, state))
      }
    }
    return states
  }
}

function toState(name: string, reply: Reply): ChannelState {
  const [newest, messages, bytes, mark] = reply as [Buffer, number, number, Buffer]
  return {
    name,
    newest: newest.length === 0 ? undefined : toPosition(newest),
    messages,
    bytes,
    isEnded: decodeMark(mark) !== undefined,
  }
}
