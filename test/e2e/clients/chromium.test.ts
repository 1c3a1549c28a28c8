import { describe } from 'vitest'
import { openChromium } from './browsers.ts'
import { playScenario } from './scenario.ts'
import { usePage } from './use-page.ts'

const page = usePage(openChromium)

describe('Chromium', () => playScenario('Chromium', () => page.client('EventSource')))
describe('fetch-event-source in Chromium', () =>
  playScenario('fetch-event-source', () => page.client('fetchEventSource')))
describe('fetch-event-source with own id in Chromium', () =>
  playScenario('fetch-event-source with own id', () => page.client('fetchEventSourceWithOwnId')))
