import { describe } from 'vitest'
import { openFirefox } from './browsers.ts'
import { playScenario } from './scenario.ts'
import { usePage } from './use-page.ts'

const page = usePage(openFirefox)

describe('Firefox ESR', () => playScenario('Firefox ESR', () => page.client('EventSource')))
