import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createFolder } from '../support/folder.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { openStream } from '../support/raw-stream.ts'
import { KEY } from './requests.ts'
import { drawSeed } from './seed.ts'

const SCHEMATHESIS = fileURLToPath(
  new URL('../../.cache/schemathesis-venv/bin/schemathesis', import.meta.url),
)
/** 0: a short run. It goes on until then, and tries all combinations that it knows first. */
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 0)
const BUDGET =
  SECONDS === 0
    ? ['--phases', 'fuzzing', '--max-examples', '12']
    : ['--phases', 'coverage,fuzzing', '--max-examples', '200', '--max-time', `${SECONDS}`]
/** Not those that find fault with parameters that are ignored, as the contract says of a subscribe. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'allow_header_conformance',
  'missing_required_header',
]

/** Undefined: it found nothing. */
async function runSchemathesis(url: string, args: readonly string[]): Promise<string | undefined> {
  const options = ['--no-color', '--warnings', 'off', '--request-timeout', '10']
  const child = spawn(
    SCHEMATHESIS,
    ['run', `${url}/openapi.json`, '--generation-database', 'none', ...options, ...args],
    { cwd: createFolder(), stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let text = ''
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  console.log(/\d+ generated.*/.exec(text)?.[0])
  return code === 0 ? undefined : text
}

test(
  'every operation of openapi.json answers as it says there, whatever is sent',
  async () => {
    // A stream has no end: a hub that is full reads all parameters of a subscribe, and answers it shortly.
    const hub = await startHubProcess({
      PIAZZA_PUBLISH_KEYS: KEY,
      PIAZZA_ANONYMOUS: 'subscribe',
      PIAZZA_MAX_STREAMS: '1',
      PIAZZA_STREAM_MAX_AGE: 'off',
    })
    const stream = await openStream(hub.port, '/channels/full')
    const drawn = ['--seed', `${drawSeed('schemathesis')}`, '--checks', CHECKS.join()]
    const header = ['--header', `Authorization: Bearer ${KEY}`]
    const found = await runSchemathesis(hub.url, [...drawn, ...header, ...BUDGET])
    expect(found).toBe(undefined)
    expect(hub.exitCode).toBe(null)
    expect(stream.isClosed).toBe(false)
    const faults = hub.log.filter((line) => JSON.parse(line).level >= 50)
    expect(faults).toEqual([])
  },
  (SECONDS + 120) * 1000,
)
