import { EventSource as EventSourceOfNpm } from 'eventsource'
import { EventSource as EventSourceOfUndici } from 'undici'
import { type Client, type Heard } from './client.ts'

/** What both have in common with a browser's. */
interface EventSourceLike {
  readonly readyState: number
  addEventListener(type: string, listener: (event: MessageEventLike) => void): void
  close(): void
}

interface MessageEventLike {
  readonly type: string
  readonly data?: unknown
  readonly lastEventId?: string
}

const CLOSED = 2

function follow(source: EventSourceLike, events: readonly string[]) {
  const heard: Heard[] = []
  for (const type of events) {
    source.addEventListener(type, (event) => {
      heard.push({ event: event.type, data: String(event.data), id: event.lastEventId ?? '' })
    })
  }
  return {
    heard,
    get isOver() {
      return source.readyState === CLOSED
    },
    close: async () => source.close(),
  }
}

/** npm `eventsource`. */
export const eventsource: Client = {
  origin: undefined,
  follow: async (url, events) => follow(new EventSourceOfNpm(url), events),
}

/** The one of undici, which Node has behind `--experimental-eventsource`. */
export const undici: Client = {
  origin: undefined,
  follow: async (url, events) => follow(new EventSourceOfUndici(url), events),
}
