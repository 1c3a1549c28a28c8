import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * While script/test runs, what hubs log and what tests send them is kept in the folder TEST_LOGS: at the end the logs of
 * the whole run are searched for every secret (script/search-logs.mjs). Elsewhere nothing of this does anything.
 *
 * Test files load it, and so does each hub that is a process of its own: there it sees the same requests. So it is
 * JavaScript, for Node 20.
 */

/** @typedef {'token' | 'key' | 'password' | 'datum'} Kind */

const folder = process.env['TEST_LOGS']
/** A line that was cut would still hold so much. */
const MAX_KEPT_CHARACTERS = 48
/** Of a body: what is searched for is at the beginning of a datum. */
const MAX_BODY_BYTES = 64 * 1024
/** The oracles publish for ever; enough of that is enough. */
const MAX_SECRETS = 50_000

/** @type {Set<string>} */
const kept = new Set()

/** @param {Kind} kind @param {Iterable<string>} values */
export function recordSecrets(kind, values) {
  if (folder === undefined) return
  let lines = ''
  for (const value of values) {
    const text = JSON.stringify([kind, value.slice(0, MAX_KEPT_CHARACTERS)])
    if (kept.has(text) || kept.size >= MAX_SECRETS) continue
    kept.add(text)
    lines += `${text}\n`
  }
  if (lines !== '') append('secrets', lines)
}

/** What a hub has logged. @param {string} text */
export function recordLog(text) {
  if (folder !== undefined) append('logs', text)
}

/** @param {string} kind @param {string} text */
function append(kind, text) {
  const place = path.join(folder ?? '', kind)
  mkdirSync(place, { recursive: true })
  appendFileSync(path.join(place, `${process.pid}.txt`), text)
}

/** The secrets among `PIAZZA_*` settings. @param {Readonly<Record<string, string | undefined>>} settings */
export function recordSettings(settings) {
  if (folder === undefined) return
  recordSecrets('key', settings['PIAZZA_PUBLISH_KEYS']?.split(',').map((key) => key.trim()) ?? [])
  for (const name of ['PIAZZA_PUBLISH_KEYS_FILE', 'PIAZZA_TLS_KEY_FILE', 'PIAZZA_REDIS_KEY_FILE']) {
    const file = settings[name]
    if (file === undefined || !existsSync(file)) continue
    const lines = readFileSync(file, 'utf8').split('\n')
    recordSecrets(
      'key',
      lines.filter((line) => line !== '' && !/^(#|-----)/.test(line)),
    )
  }
  recordSecrets(
    'key',
    [settings['PIAZZA_JWT_SECRET'] ?? ''].filter((text) => text !== ''),
  )
  const url = settings['PIAZZA_REDIS_URL'] ?? ''
  const password = URL.canParse(url) ? new URL(url).password : ''
  const passwords = [password, decode(password), settings['PIAZZA_REDIS_SENTINEL_PASSWORD'] ?? '']
  recordSecrets(
    'password',
    passwords.filter((text) => text !== ''),
  )
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** @param {import('node:http').IncomingMessage} request */
function recordRequest(request) {
  const { authorization = '', cookie = '' } = request.headers
  const [, query = ''] = (request.url ?? '').split('?')
  const given = [
    authorization.replace(/^bearer +/i, ''),
    ...cookie.split(';').map((pair) => pair.slice(pair.indexOf('=') + 1).trim()),
    ...new URLSearchParams(query).getAll('token'),
  ]
  const signatures = given.map((token) => token.split('.')[2] ?? '') // of JWTs
  recordSecrets(
    'token',
    [...given, ...signatures].filter((text) => text !== ''),
  )
  if (request.method === 'POST') recordBody(request)
}

/** Whoever reads the body, and how: it comes by `push`. @param {import('node:http').IncomingMessage} request */
function recordBody(request) {
  const push = request.push.bind(request)
  /** @type {Buffer[]} */
  const pieces = []
  let bytes = 0
  request.push = (/** @type {Buffer | null} */ piece, encoding) => {
    if (piece === null) recordSecrets('datum', dataIn(Buffer.concat(pieces).toString()))
    else if (bytes < MAX_BODY_BYTES) pieces.push(piece.subarray(0, MAX_BODY_BYTES - bytes))
    bytes += piece?.length ?? 0
    return push(piece, encoding)
  }
}

/** Data of publications, or the whole where it is none. @param {string} body */
function dataIn(body) {
  const found = [...body.matchAll(/"data"\s*:\s*("(?:[^"\\]|\\.)*"?|[^,}]+)/g)]
  if (found.length === 0) return [body]
  return found.map(([, text = '']) => unquote(text))
}

/** @param {string} text */
function unquote(text) {
  try {
    const value = JSON.parse(text)
    return typeof value === 'string' ? value : text
  } catch {
    return text.replace(/^"/, '')
  }
}

if (folder !== undefined) {
  subscribe('http.server.request.start', (message) => {
    recordRequest(/** @type {{ request: import('node:http').IncomingMessage }} */ (message).request)
  })
}
