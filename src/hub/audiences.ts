import { type Broker } from '../broker/broker.ts'
import { type Log } from '../log/log.ts'
import { Audience, type Form } from './audience.ts'

/** What decides to which audience a stream belongs. */
export interface Wanted extends Form {
  readonly channels: readonly string[]
}

interface Channel {
  readonly log: Log
  readonly audiences: Audience[]
}

/** All audiences, by what they want and by channel. A channel is subscribed for as long as an audience has it. */
export class Audiences {
  readonly #broker: Broker
  readonly #channels = new Map<string, Channel>()
  readonly #audiences = new Map<string, Audience>()

  constructor(broker: Broker) {
    this.#broker = broker
  }

  get channelCount(): number {
    return this.#channels.size
  }

  /** Channels there would be if these were held as well. */
  channelCountWith(names: readonly string[]): number {
    let count = this.#channels.size
    for (const name of names) if (!this.#channels.has(name)) count += 1
    return count
  }

  /** Those that have this channel; null: all. */
  of(channel: string | null): Iterable<Audience> {
    if (channel === null) return this.#audiences.values()
    return this.#channels.get(channel)?.audiences ?? []
  }

  /** The audience for what is wanted; `release` follows once. */
  hold(wanted: Wanted): Audience {
    const key = keyOf(wanted)
    let audience = this.#audiences.get(key)
    if (audience === undefined) {
      audience = this.#create(key, wanted)
      this.#audiences.set(key, audience)
    }
    audience.holders += 1
    return audience
  }

  release(audience: Audience): void {
    audience.holders -= 1
    if (audience.holders > 0) return
    this.#audiences.delete(audience.key)
    for (const name of audience.channels) {
      const channel = this.#channels.get(name) as Channel
      channel.audiences.splice(channel.audiences.indexOf(audience), 1)
      if (channel.audiences.length > 0) continue
      this.#channels.delete(name)
      this.#broker.unsubscribe(name)
    }
  }

  #create(key: string, { channels, events, isEnvelope }: Wanted): Audience {
    const subscribed = channels.map((name) => {
      let channel = this.#channels.get(name)
      if (channel === undefined) {
        channel = { log: this.#broker.subscribe(name), audiences: [] }
        this.#channels.set(name, channel)
      }
      return channel
    })
    const logs = subscribed.map((channel) => channel.log)
    const audience = new Audience(key, channels, logs, { events, isEnvelope })
    for (const channel of subscribed) channel.audiences.push(audience)
    return audience
  }
}

/** Order matters to an envelope alone: it names the first requested channel. */
function keyOf({ channels, events, isEnvelope }: Wanted): string {
  const names = isEnvelope ? channels : channels.toSorted()
  if (events === undefined && !isEnvelope) return names.join(',')
  return JSON.stringify([names, isEnvelope, events === undefined ? null : [...events].toSorted()])
}
