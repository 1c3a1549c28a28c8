import { waitFor } from '../../support/wait.ts'
import { type Client } from './client.ts'
import { follow, OPENING } from './measure-traits.ts'
import { type ClientName } from './traits.ts'
import { open, startStubHub } from './stub-hub.ts'

/** So long the clients are left with a silent stream when all are measured (`npm run clients-idle`). */
export const LONGEST_SECONDS = 420

/** After how many seconds each gives up a stream that says nothing, unless told otherwise; docs/clients.md shows this. */
export const SILENCE = {
  Chromium: undefined,
  'Firefox ESR': undefined,
  WebKitGTK: undefined,
  eventsource: 300,
  undici: 300,
  'fetch-event-source': undefined,
  'fetch-event-source with own id': undefined,
  'fetch and eventsource-parser': 300,
  curl: undefined,
  'httpx-sse': 5,
  'sseclient-py': undefined,
} as const satisfies Record<ClientName, number | undefined>

const ASK_DEADLINE_MS = 30_000

/** After how many seconds the client closes a stream that is open and says nothing; undefined: not within `seconds`. */
export async function measureSilence(client: Client, seconds: number): Promise<number | undefined> {
  const stub = await startStubHub(open(OPENING))
  await follow(client, stub.url)
  await waitFor('the client to ask', () => stub.asked.length > 0, ASK_DEADLINE_MS)
  const endsMs = performance.now() + seconds * 1000
  await waitFor(
    'the client to give up, or the time to be over',
    () => stub.lastedMs.length > 0 || performance.now() > endsMs,
    2 * seconds * 1000,
  )
  const [lastedMs] = stub.lastedMs
  return lastedMs === undefined ? undefined : lastedMs / 1000
}
