import { type Traits } from './client.ts'

/** Where clients differ; docs/clients.md shows this table. */
const EVENT_SOURCE: Traits = {
  reconnects: 'itself',
  controlEvents: 'to their listeners',
  idOnlyBlock: 'ignored',
  tornBlock: 'dropped',
  blankComment: 'ignored',
  cleanEnd: 'comes back',
  noAnswer: 'comes back',
  after503: 'stops',
  after204: 'stops',
}

const LOOP: Traits = {
  ...EVENT_SOURCE,
  reconnects: 'your loop',
  controlEvents: 'to the one handler',
  after503: 'comes back',
}

const FETCH_EVENT_SOURCE: Traits = {
  ...LOOP,
  reconnects: 'itself',
  idOnlyBlock: 'an event',
  tornBlock: 'dropped, id kept',
  blankComment: 'an event',
}

export const TRAITS = {
  Chromium: { ...EVENT_SOURCE, idOnlyBlock: 'id kept' },
  'Firefox ESR': EVENT_SOURCE,
  WebKitGTK: { ...EVENT_SOURCE, tornBlock: 'put before the next' },
  eventsource: EVENT_SOURCE,
  undici: { ...EVENT_SOURCE, idOnlyBlock: 'id kept' },
  'fetch-event-source': FETCH_EVENT_SOURCE,
  'fetch-event-source with own id': { ...FETCH_EVENT_SOURCE, tornBlock: 'dropped' },
  'fetch and eventsource-parser': LOOP,
  curl: LOOP,
  'httpx-sse': { ...LOOP, idOnlyBlock: 'an event', blankComment: 'an event' },
  'sseclient-py': LOOP,
} as const satisfies Record<string, Traits>

export type ClientName = keyof typeof TRAITS
