import { describe } from 'vitest'
import { curl, httpxSse, sseclientPy } from './commands.ts'
import { playScenario } from './scenario.ts'

describe('curl', () => playScenario('curl', () => curl))
describe('httpx-sse', () => playScenario('httpx-sse', () => httpxSse))
describe('sseclient-py', () => playScenario('sseclient-py', () => sseclientPy))
