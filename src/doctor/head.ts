import tls from 'node:tls'
import { describe, type Finding } from './finding.ts'
import { type Probe } from './probe.ts'
import { askWhole, type Target } from './target.ts'

const ANSWER_DEADLINE_MS = 5000

/** What the head of a stream tells of what stands in between. */
export function examineHead({ headers }: Probe): Finding[] {
  return [examineCompression(headers['content-encoding']), examineCaching(headers)]
}

function examineCompression(encoding: string | undefined): Finding {
  const { ok, wrong } = describe('compression')
  if (encoding === undefined) return ok('the stream is not compressed')
  return wrong(
    `the stream comes as ${encoding}: the hub does not compress, something in between does. Turn it off for text/event-stream`,
    'compressed',
  )
}

const HIT = /\b(?:hit|stale|revalidated|updating)\b/i

function examineCaching(headers: Probe['headers']): Finding {
  const { ok, wrong } = describe('caching')
  for (const name of ['x-cache', 'cf-cache-status', 'x-cache-status', 'x-proxy-cache']) {
    const value = String(headers[name] ?? '')
    if (HIT.test(value)) {
      return wrong(`${name}: ${value}: a cache answers in place of the hub`, 'cached')
    }
  }
  if (headers.age !== undefined) {
    return wrong(`age: ${headers.age}: the answer stood in a cache`, 'cached')
  }
  const control = headers['cache-control'] ?? ''
  if (/\bno-store\b/.test(control)) return ok('no cache keeps it')
  const said = control === '' ? 'is gone' : `has become "${control}"`
  return wrong(`cache-control ${said}: the hub sends "no-store, no-transform"`, 'cached')
}

/** A subscribe that the hub refuses for good must come back as the hub said it. Rejects where nobody answers. */
export async function examineErrors(target: Target): Promise<Finding> {
  const { ok, wrong } = describe('errors')
  const asked = { path: 'channels/a..b', headers: { accept: 'text/event-stream' } }
  const answer = await askWhole(target, asked, ANSWER_DEADLINE_MS)
  // 401 or 403 where the token is not good
  if (answer.status >= 400 && answer.text.includes('"PIAZZA_ERR_')) {
    return ok("a refused subscribe gets the hub's own answer")
  }
  const type = answer.headers['content-type'] ?? 'no content type'
  return wrong(
    `a refused subscribe gets ${answer.status} (${type}), not the hub's 400 with its code: something in between answers in its place`,
    'error-pages',
  )
}

/** What a browser would speak. */
export function examineVersion({ url }: Target): Promise<Finding> {
  const { ok, note } = describe('version')
  const six = 'over HTTP/1.1 a browser opens six connections to a host, for all tabs together'
  if (url.protocol === 'http:') return Promise.resolve(note(`HTTP/1.1: ${six}`, 'six-connections'))
  return new Promise((resolve) => {
    const socket = tls.connect({
      host: url.hostname,
      port: Number(url.port || 443),
      servername: url.hostname,
      ALPNProtocols: ['h2', 'http/1.1'],
      timeout: ANSWER_DEADLINE_MS,
    })
    const tell = () => {
      const hasH2 = socket.alpnProtocol === 'h2'
      socket.destroy()
      resolve(hasH2 ? ok('browsers get HTTP/2') : note(`no HTTP/2: ${six}`, 'six-connections'))
    }
    socket.on('secureConnect', tell).on('error', tell).on('timeout', tell)
  })
}
