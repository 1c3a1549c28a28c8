import { Log } from '../../log/log.ts'
import { createDeletion, type Message } from '../../log/message.ts'
import { currentPosition, type Position } from '../../position.ts'
import { type BrokerListener } from '../broker.ts'
import { type Retention } from '../retention.ts'
import { type Announcement, toMessage } from './announcement.ts'
import { type LocalChannel } from './local-channel.ts'
import { type EndMark } from './reading.ts'

/** For so long the name of a deleted channel stays closed (protocol §5). */
export const DELETED_MS = 60_000

/** Channels whose logs are looked at for their age in one turn. */
const EXPIRED_PER_TURN = 2000

/** The logs of the channels that this replica hears. What is appended is delivered. */
export class LocalLogs {
  readonly #retention: Retention
  readonly #onRollback: (channel: LocalChannel) => void
  readonly #channels = new Map<string, LocalChannel>()
  /** Deleted channels and when their names are free again (ms). */
  readonly #deleted = new Map<string, number>()
  /** The highest position heard or read (rule 2). */
  heard: Position = 0
  /** When the data in Redis began (rule 8); undefined: not known yet. */
  born: Position | undefined
  #listener: BrokerListener | undefined
  /** Of a message to several channels there is one object. */
  #latest: Message | undefined

  /** `onRollback`: Redis has lost what was delivered here (rule 13). */
  constructor(retention: Retention, onRollback: (channel: LocalChannel) => void) {
    this.#retention = retention
    this.#onRollback = onRollback
  }

  listen(listener: BrokerListener): void {
    this.#listener = listener
  }

  get size(): number {
    return this.#channels.size
  }

  get(name: string): LocalChannel | undefined {
    return this.#channels.get(name)
  }

  all(): Iterable<LocalChannel> {
    return this.#channels.values()
  }

  ready(): LocalChannel[] {
    return [...this.#channels.values()].filter(({ state }) => state === 'ready')
  }

  create(name: string): LocalChannel {
    const channel: LocalChannel = {
      name,
      log: new Log(name, 0),
      state: 'asked',
      generation: 0,
      through: 0,
      isHeld: true,
      releasedAtMs: 0,
    }
    this.#channels.set(name, channel)
    return channel
  }

  /** UNSUBSCRIBE drops the log. */
  remove(channel: LocalChannel): void {
    this.#channels.delete(channel.name)
    this.#deleted.delete(channel.name)
    this.#retention.remove(channel.name)
  }

  hear(position: Position): void {
    if (position > this.heard) this.heard = position
  }

  /** Positions up to `channel.through` are skipped by whoever calls; what remains is later than the log's end. */
  append(channel: LocalChannel, announcement: Announcement): void {
    const { log } = channel
    const { position } = announcement
    if (announcement.kind === 't')
      this.#delete(channel, position, announcement.remainingMs ?? DELETED_MS)
    else {
      if (log.isDeleted) this.#reopen(channel.name) // Redis' minute was over before the one here
      if (isRollback(log, announcement)) this.#onRollback(channel)
      const message = this.#toMessage(announcement, log)
      this.#change(channel, () => log.append(message))
      if (channel.isHeld) this.#listener?.deliver(log.channel, message)
    }
    channel.through = Math.max(channel.through, position)
    this.hear(position)
  }

  deliverEphemeral(channel: LocalChannel, announcement: Announcement): void {
    if (channel.isHeld) {
      this.#listener?.deliver(channel.name, this.#toMessage(announcement, channel.log))
    }
  }

  /** What lies up to `position` is lost, or not to be proved here. */
  restart(channel: LocalChannel, position: Position): void {
    const { log } = channel
    this.#change(channel, () => log.restart(position))
    channel.through = Math.max(channel.through, position)
  }

  miss(channel: LocalChannel, position: Position): void {
    const { through } = channel
    this.restart(channel, position)
    this.#listener?.miss(channel.name, position, 'evicted', through)
  }

  /** The data in Redis began anew (rule 8). */
  reset(born: Position): void {
    for (const channel of this.ready()) {
      if (channel.log.base >= born) continue // its baseline was read after that
      this.restart(channel, born)
      channel.through = born
    }
    this.born = born
    this.#listener?.miss(null, born, 'reset', 0)
  }

  /** Makes a log of what the baseline read (rule 4). */
  begin(
    channel: LocalChannel,
    base: Position,
    tail: readonly Announcement[],
    clock: Position,
  ): void {
    const { log } = channel
    this.#change(channel, () => {
      log.restart(base)
      for (const announcement of tail) log.append(this.#toMessage(announcement, log))
    })
    channel.through = Math.max(log.end, clock)
    channel.state = 'ready'
    this.hear(channel.through)
  }

  /** What a baseline tells of a closed channel, whatever it has of its messages. */
  applyMark(channel: LocalChannel, { isDeletion, position, remainingMs }: EndMark): void {
    const { log } = channel
    if (log.ending !== undefined) return
    if (isDeletion) this.#delete(channel, Math.max(position, log.end), remainingMs)
    else log.close(position)
  }

  /** Before they are read: what is too old is not sent. */
  trim(logs: readonly Log[]): void {
    const now = currentPosition()
    for (const log of logs) this.#retention.trim(log, now)
  }

  /** Whatever has aged out, in bounded turns. */
  expire(): void {
    this.#retention.expire(currentPosition(), EXPIRED_PER_TURN)
  }

  /** Of these names, those whose minute is over are new again. */
  reopenDue(names: Iterable<string> = this.#deleted.keys()): void {
    const nowMs = Date.now()
    for (const name of names) {
      const dueMs = this.#deleted.get(name)
      if (dueMs !== undefined && dueMs <= nowMs) this.#reopen(name)
    }
  }

  #reopen(name: string): void {
    this.#deleted.delete(name)
    const channel = this.#channels.get(name)
    if (channel === undefined || !channel.log.isDeleted) return
    const { log } = channel
    if (channel.isHeld) this.#listener?.reopen(name)
    this.#change(channel, () => log.clear())
  }

  /** In the place of an end, if there was one: who has been told of that is not told again. */
  #delete(channel: LocalChannel, position: Position, remainingMs: number): void {
    const { log, name, isHeld } = channel
    this.#deleted.set(name, Date.now() + remainingMs)
    const { ending } = log
    const deletion =
      ending === undefined
        ? createDeletion(log.onlyChannel, position)
        : createDeletion(ending.channels, ending.position)
    this.#change(channel, () => {
      log.clear()
      log.append(deletion)
    })
    if (isHeld && ending === undefined) this.#listener?.deliver(name, deletion)
  }

  /** A channel that was left is nobody's any more: what still comes for it counts for nothing. */
  #change({ name, log }: LocalChannel, change: () => void): void {
    if (this.#channels.get(name)?.log === log)
      this.#retention.change(log, currentPosition(), change)
    else change()
  }

  #toMessage(announcement: Announcement, log: Log): Message {
    if (this.#latest?.position !== announcement.position) {
      this.#latest = toMessage(announcement, log.channel, log.onlyChannel)
    }
    return this.#latest
  }
}

/** Rule 13: what a message follows lies below what was delivered before it. */
function isRollback({ newest }: Log, { previous }: Announcement): boolean {
  return newest !== undefined && previous < newest.position
}
