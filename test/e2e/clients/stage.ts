import { onTestFinished } from 'vitest'
import { type CuttingProxy, startCuttingProxy } from '../../support/cutting-proxy.ts'
import { startHub, type TestHub } from '../../support/hub.ts'
import { waitFor } from '../../support/wait.ts'
import { type Client, type Follower, type Heard } from './client.ts'

/** For one step of a client; a machine may be busy. */
export const STEP_MS = 30_000
/** For a test of several steps. */
export const TEST_MS = 90_000
export const CHANNEL = 'news'

const EVENTS = ['message', 'score', 'piazza.open', 'piazza.gap', 'piazza.close']

/** A hub, and a client that follows a channel of it through a proxy that can cut. */
export interface Stage {
  readonly hub: TestHub
  readonly proxy: CuttingProxy
  readonly follower: Follower
  /** What was published with `send`, as it must be heard. */
  readonly sent: readonly Heard[]
  /** Publishes a message of two lines, also to another hub. */
  send(event: 'message' | 'score', hub?: TestHub): Promise<Heard>
  /** What the client heard and was no control event. */
  messages(): readonly Heard[]
  waitForMessages(label: string): Promise<void>
}

export interface StageOptions {
  readonly settings?: Record<string, string>
  readonly query?: string
  /** Before the client comes. */
  readonly prepare?: (hub: TestHub, proxy: CuttingProxy) => void | Promise<void>
}

export async function setStage(
  client: Client,
  { settings = {}, query = '', prepare }: StageOptions = {},
): Promise<Stage> {
  const hub = await startHubFor(client, settings)
  const proxy = await startCuttingProxy(hub.port)
  await prepare?.(hub, proxy)
  const follower = await client.follow(`${proxy.url}/channels/${CHANNEL}${query}`, EVENTS)
  onTestFinished(() => follower.close())
  await waitFor('the client to be answered', () => proxy.requests[0]?.status === 200, STEP_MS)
  const sent: Heard[] = []
  const messages = () => follower.heard.filter(({ event }) => !event.startsWith('piazza.'))
  return {
    hub,
    proxy,
    follower,
    sent,
    messages,
    send: async (event, to = hub) => {
      const data = `message ${sent.length + 1} – für alle\nin Zeile 2: "\\"`
      const id = await to.send(CHANNEL, data, event === 'message' ? {} : { event })
      const message = { event, data, id }
      sent.push(message)
      return message
    },
    waitForMessages: (label) =>
      waitFor(`all messages ${label}`, () => messages().length >= sent.length, STEP_MS),
  }
}

/** Clients come back as fast as they can: their own shortest time counts. */
export function startHubFor(
  { origin }: Client,
  settings: Record<string, string> = {},
): Promise<TestHub> {
  const cors: Record<string, string> = origin === undefined ? {} : { PIAZZA_CORS_ORIGINS: origin }
  return startHub({ PIAZZA_RETRY_MIN: '20ms', PIAZZA_RETRY_MAX: '40ms', ...cors, ...settings })
}
