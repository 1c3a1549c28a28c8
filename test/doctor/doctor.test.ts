import { beforeAll, describe, expect, test } from 'vitest'
import { doctorCommand } from '../../src/cli/doctor.ts'
import { readDocument } from '../docs/markdown.ts'
import { buildOnce } from '../support/build.ts'
import { runPiazza } from '../support/command-line.ts'
import { freePort } from '../support/free-port.ts'
import { startHub } from '../support/hub.ts'
import { openStream } from '../support/raw-stream.ts'
import { type Fault, startMiddle } from './middle.ts'

const KEY = 'a-publish-key-of-the-doctor'

interface Seen {
  readonly code: number
  /** Check and verdict. */
  readonly verdicts: Readonly<Record<string, string>>
  readonly lines: readonly string[]
}

async function see(args: readonly string[], env: Record<string, string> = {}): Promise<Seen> {
  const lines: string[] = []
  const code = await doctorCommand(args, env, (line) => lines.push(line))
  const verdicts = Object.fromEntries(
    lines
      .map((line) => /^(\w+) +(\w+) /.exec(line)!)
      .map(([, verdict, check]) => [check!, verdict!]),
  )
  return { code, verdicts, lines }
}

const GOOD = {
  errors: 'ok',
  buffering: 'ok',
  compression: 'ok',
  caching: 'ok',
  version: 'note',
  resume: 'ok',
}

describe('where nothing is wrong', () => {
  test('each check is ok, straight at a hub and through a proxy that does nothing', async () => {
    const hub = await startHub()
    for (const url of [hub.url, await startMiddle(hub.port, {})]) {
      const { code, verdicts } = await see([url, '--quick'])
      expect({ code, verdicts }).toEqual({ code: 0, verdicts: GOOD })
    }
  })

  test('heartbeats keep the stream, and streams and their channel are gone afterwards', async () => {
    const hub = await startHub({ PIAZZA_HEARTBEAT_INTERVAL: '1s' })
    const url = await startMiddle(hub.port, { idleMs: 2000 })
    const { code, verdicts } = await see([url, '--wait', '4s'])
    expect({ code, verdicts }).toEqual({ code: 0, verdicts: { ...GOOD, idle: 'ok' } })
    await expect.poll(() => hub.metric('piazza_streams'), { timeout: 5000 }).toBe(0)
  })

  test('with a key messages are published, at another address if need be; the key is never said', async () => {
    const settings = { PIAZZA_PUBLISH_KEYS: KEY, PIAZZA_INTERNAL_PORT: `${await freePort()}` }
    const hub = await startHub(settings)
    const internal = `http://127.0.0.1:${hub.internalPort}`
    const args = [hub.url, '--quick', '--publish-url', internal]
    const { code, verdicts, lines } = await see(args, { DOCTOR_PUBLISH_KEY: KEY })
    expect({ code, verdicts }).toEqual({ code: 0, verdicts: { ...GOOD, messages: 'ok' } })
    expect(lines.join('\n')).toContain('gets what was published meanwhile')
    expect(lines.join('\n')).not.toContain(KEY)
  })
})

/** Faults of a proxy, what is wrong then, and a word of what is said. */
const FAULTS: [string, Fault, Record<string, string>, RegExp][] = [
  ['holds back 2 KiB', { bufferBytes: 2048 }, { buffering: 'wrong' }, /padding=1 .*#held-back/],
  ['compresses', { compresses: true }, { compression: 'wrong' }, /gzip.*#compressed/],
  [
    'answers from a cache',
    { addedHeaders: { age: '12' } },
    { caching: 'wrong' },
    /age: 12.*#cached/,
  ],
  ['marks hits', { addedHeaders: { 'x-cache': 'HIT' } }, { caching: 'wrong' }, /x-cache: HIT/],
  ['takes no-store away', { removedHeader: 'cache-control' }, { caching: 'wrong' }, /is gone/],
  [
    'eats Last-Event-ID',
    { eatenHeader: 'last-event-id' },
    { resume: 'wrong' },
    /Last-Event-ID does not reach.*#resuming-fails/,
  ],
  [
    'has error pages',
    { replacesErrors: true },
    { errors: 'wrong' },
    /400 \(text\/html\).*#error-pages/,
  ],
]

describe('a proxy that', () => {
  test.each(FAULTS)('%s', async (_name, fault, wrong, said) => {
    const hub = await startHub()
    const { code, verdicts, lines } = await see([await startMiddle(hub.port, fault), '--quick'])
    expect({ code, verdicts }).toEqual({ code: 1, verdicts: { ...GOOD, ...wrong } })
    expect(lines.filter((line) => said.test(line))).toHaveLength(1)
  })

  test('holds back everything', async () => {
    const hub = await startHub()
    const { code, lines } = await see([await startMiddle(hub.port, { bufferBytes: 1e6 })])
    expect(code).toBe(1)
    expect(lines.join('\n')).toMatch(/wrong +buffering .*with padding=1 too/)
  })

  test('holds back messages', async () => {
    const hub = await startHub({ PIAZZA_PUBLISH_KEYS: KEY })
    const url = await startMiddle(hub.port, { swallowsRest: true })
    const { verdicts } = await see([url, '--quick', '--publish-key', KEY])
    expect(verdicts).toMatchObject({ buffering: 'ok', messages: 'wrong' })
  })

  test('holds back heartbeats', async () => {
    const hub = await startHub({ PIAZZA_HEARTBEAT_INTERVAL: '1s' })
    const url = await startMiddle(hub.port, { swallowsRest: true })
    const { code, lines } = await see([url, '--wait', '10s'])
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatch(/^wrong +idle +no heartbeat in .* every 1 s.*#held-back/)
  })

  test('cuts an idle stream after a second', async () => {
    const hub = await startHub()
    const { code, lines } = await see([await startMiddle(hub.port, { idleMs: 1000 })])
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatch(/^wrong +idle +.* cut after .* heartbeat of 15 s.*#cut-while-idle/)
  })

  test('answers 502 with a page', async () => {
    const page = { status: 502, type: 'text/html', body: '<h1>Bad Gateway</h1>' }
    const { code, verdicts, lines } = await see([await startMiddle(0, { page })])
    expect({ code, verdicts }).toEqual({ code: 1, verdicts: { errors: 'wrong', answer: 'wrong' } })
    expect(lines.at(-1)).toMatch(/502 \(text\/html\).*stops for good.*#error-pages/)
  })

  test('tells clients to come back, since no hub answers', async () => {
    const page = { status: 200, type: 'text/event-stream', body: ': no hub answers\nretry: 2000\n' }
    const { code, lines } = await see([await startMiddle(0, { page })])
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatch(/^wrong +answer +no hub answers/)
  })

  test('leads to hubs that share nothing', async () => {
    const settings = { PIAZZA_PUBLISH_KEYS: KEY }
    const [one, other] = [await startHub(settings), await startHub(settings)]
    let isOther = false
    const url = await startMiddle(0, {
      get port() {
        isOther = !isOther
        return isOther ? other.port : one.port
      },
    })
    const { code, verdicts, lines } = await see([url, '--quick', '--publish-key', KEY])
    expect({ code, verdicts }).toMatchObject({ code: 1, verdicts: { messages: 'wrong' } })
    expect(lines.join('\n')).toMatch(/wrong +messages .*without the same Redis/)
  })
})

test('a hub that refuses for want of a token says so, and takes one', async () => {
  const hub = await startHub({ PIAZZA_PUBLISH_KEYS: KEY })
  const refused = await see([hub.url, '--quick'])
  expect(refused.code).toBe(1)
  expect(refused.lines.at(-1)).toMatch(/401 PIAZZA_ERR_UNAUTHORIZED.*--token/)
  expect((await see([hub.url, '--quick', '--token', KEY])).code).toBe(0)
})

test('a hub that refuses for now is no hub to look at', async () => {
  const hub = await startHub({ PIAZZA_MAX_STREAMS: '1' })
  const stream = await openStream(hub.port, '/channels/a')
  const { code, lines } = await see([hub.url, '--quick'])
  expect(code).toBe(1)
  expect(lines.at(-1)).toBe('wrong  answer       the hub refuses for now: max-streams')
  stream.close()
})

test('who answers everything by a stream of its own is there, and is no hub', async () => {
  const page = { status: 200, type: 'text/event-stream', body: ':\n\n', isEndless: true } as const
  const { code, verdicts } = await see([await startMiddle(0, { page }), '--quick'])
  expect(code).toBe(1)
  expect(verdicts).toMatchObject({ errors: 'wrong', buffering: 'wrong' })
})

test('what the lines link to stands in docs/proxies.md', async () => {
  const source = readDocument('src/doctor/finding.ts')
  const symptoms = [...source.matchAll(/^ {2}\| '([a-z-]+)'$/gm)].map(([, symptom]) => symptom!)
  expect(symptoms.length).toBeGreaterThan(5)
  const headings = [...readDocument('docs/proxies.md').matchAll(/^#+ (.*)$/gm)]
  const anchors = new Set(headings.map(([, text]) => text!.toLowerCase().replaceAll(' ', '-')))
  expect(symptoms.filter((symptom) => !anchors.has(symptom))).toEqual([])
})

describe('piazza doctor', () => {
  beforeAll(buildOnce)

  test('exits with 0, and with 2 where nobody answers', async () => {
    const hub = await startHub()
    const good = await runPiazza(['doctor', hub.url, '--quick'])
    expect(good).toMatchObject({ code: 0, stderr: [] })
    expect(good.stdout).toMatch(/^ok +resume /m)
    const away = await runPiazza(['doctor', `http://127.0.0.1:${await freePort()}`])
    expect(away).toMatchObject({ code: 2, stderr: [] })
    expect(away.stdout).toMatch(/^wrong +reach +nobody answers at .*: ECONNREFUSED\n$/)
  })

  test.each([
    [[], /give one address/],
    [['http://a', 'http://b'], /give one address/],
    [['ftp://a'], /an address is such as/],
    [['http://a/?token=secret'], /an address is such as .*query$/],
    [['http://a', '--wait', '60'], /--wait 60 is not a duration/],
    [['http://a', '--slow'], /--slow.*--help/],
    [['http://a', '--publish-url', 'http://b'], /needs a key/],
  ])('%j is answered with one line that says what is wrong', async (args, said) => {
    const { code, stdout, stderr } = await runPiazza(['doctor', ...args])
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: [expect.stringMatching(said)],
    })
  })
})
