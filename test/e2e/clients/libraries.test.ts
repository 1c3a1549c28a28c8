import { describe } from 'vitest'
import { eventsource, undici } from './event-sources.ts'
import { fetchParser } from './fetch-parser.ts'
import { playScenario } from './scenario.ts'

describe('npm eventsource', () => playScenario('eventsource', () => eventsource))
describe("undici's EventSource", () => playScenario('undici', () => undici))
describe('fetch with eventsource-parser', () =>
  playScenario('fetch and eventsource-parser', () => fetchParser))
