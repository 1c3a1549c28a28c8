import { describe } from 'vitest'
import { openWebKit } from './browsers.ts'
import { playScenario } from './scenario.ts'
import { usePage } from './use-page.ts'

const page = usePage(openWebKit)

describe('WebKitGTK', () => playScenario('WebKitGTK', () => page.client('EventSource')))
