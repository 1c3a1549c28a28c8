import { expect, test } from 'vitest'
import { openChromium, openFirefox, openWebKit } from './browsers.ts'
import { type Client } from './client.ts'
import { curl, httpxSseUntold, sseclientPyUntold } from './commands.ts'
import { eventsource, undici } from './event-sources.ts'
import { fetchParser } from './fetch-parser.ts'
import { LONGEST_SECONDS, measureSilence, SILENCE } from './silence.ts'
import { type ClientName } from './traits.ts'
import { usePage } from './use-page.ts'

/** A timer of a client may be coarse, and the machine busy. */
const TOLERANCE_SECONDS = 5

const chromium = usePage(openChromium)
const firefox = usePage(openFirefox)
const webkit = usePage(openWebKit)

/** None is told when to give up. */
const CLIENTS: Record<ClientName, () => Client> = {
  Chromium: () => chromium.client('EventSource'),
  'Firefox ESR': () => firefox.client('EventSource'),
  WebKitGTK: () => webkit.client('EventSource'),
  eventsource: () => eventsource,
  undici: () => undici,
  'fetch-event-source': () => chromium.client('fetchEventSource'),
  'fetch-event-source with own id': () => chromium.client('fetchEventSourceWithOwnId'),
  'fetch and eventsource-parser': () => fetchParser,
  curl: () => curl,
  'httpx-sse': () => httpxSseUntold,
  'sseclient-py': () => sseclientPyUntold,
}

// `npm run clients-idle`; no part of the ordinary run.
test(
  'each client gives up a silent stream when docs/clients.md says',
  { timeout: 2 * LONGEST_SECONDS * 1000 },
  async () => {
    const measured = await Promise.all(
      Object.entries(CLIENTS).map(async ([name, client]) => {
        const seconds = await measureSilence(client(), LONGEST_SECONDS)
        return [name as ClientName, seconds] as const
      }),
    )
    console.table(
      measured.map(([client, seconds]) => ({
        client,
        'gives up after': seconds?.toFixed(1) ?? `not within ${LONGEST_SECONDS} s`,
      })),
    )
    for (const [name, seconds = Infinity] of measured) {
      const expected = SILENCE[name] ?? Infinity
      const isAsTold = seconds === expected || Math.abs(seconds - expected) <= TOLERANCE_SECONDS
      expect(isAsTold, `${name}: ${seconds} s in place of ${expected} s`).toBe(true)
    }
  },
)
