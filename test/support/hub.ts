import { type AddressInfo } from 'node:net'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { recordLog, recordSettings } from './run-record.mjs'

/** A hub that listens on a free port of 127.0.0.1, and is closed with the test. */
export interface TestHub {
  readonly url: string
  readonly port: number
  /** Of `PIAZZA_INTERNAL_PORT`; without it, `port`. What follows goes there. */
  readonly internalPort: number
  readonly app: Awaited<ReturnType<typeof buildApp>>
  publish(body: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Publishes one untyped message; returns its id. */
  send(channel: string, data: unknown, fields?: Record<string, unknown>): Promise<string>
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  /** The value of a metric line such as `piazza_streams` or `piazza_gaps_total{reason="evicted"}`; 0 if absent. */
  metric(line: string): Promise<number>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: any // oxlint-disable-line typescript/no-explicit-any
}

/**
 * Starts a hub with these `PIAZZA_*` settings. It shares the event loop with the test, whose own work must not turn
 * streams away. `log`: takes its lines.
 */
export async function startHub(
  settings: Record<string, string> = {},
  log?: string[],
): Promise<TestHub> {
  const { config, problems } = readConfig({ PIAZZA_PORT: '0', PIAZZA_MAX_LAG: 'off', ...settings })
  if (config === undefined) throw new Error(problems.join('\n'))
  recordSettings(settings)
  const hear = (line: string) => {
    log?.push(line)
    recordLog(line)
  }
  const app = await buildApp(config, pino({ level: 'trace' }, { write: hear }))
  await app.http.listen({ host: '127.0.0.1', port: config.PIAZZA_PORT })
  await app.internalHttp?.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await app.close(0)
  }, 30_000)
  const { port } = app.http.server.address() as AddressInfo
  const { port: internalPort } = (app.internalHttp ?? app.http).server.address() as AddressInfo
  const url = `http://127.0.0.1:${internalPort}`
  const get = (path: string, headers: Record<string, string> = {}) =>
    toAnswer(fetch(url + path, { headers, signal: AbortSignal.timeout(10_000) }))
  const publish = (body: unknown, headers: Record<string, string> = {}) =>
    toAnswer(
      fetch(`${url}/publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      }),
    )
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    internalPort,
    app,
    publish,
    get,
    send: async (channel, data, fields = {}) => {
      const answer = await publish({ channel, data, ...fields })
      if (answer.status !== 201) throw new Error(`publish: ${answer.status} ${answer.text}`)
      return answer.json.id as string
    },
    metric: async (line) => {
      const key = settings['PIAZZA_PUBLISH_KEYS']?.split(',')[0]
      const { text } = await get(
        '/metrics',
        key === undefined ? {} : { authorization: `Bearer ${key}` },
      )
      const found = text.split('\n').find((row) => row.startsWith(`${line} `))
      return Number(found?.slice(line.length) ?? 0)
    },
  }
}

async function toAnswer(response: Promise<Response>): Promise<Answer> {
  const { status, headers } = await response
  const text = await (await response).text()
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status, headers, text, json }
}
