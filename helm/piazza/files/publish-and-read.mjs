// What `helm test` runs in a pod of the hub's image: publishes at the internal Service, reads it back at the public one.
// PUBLISH_KEYS: the first is used; else a token is made with PIAZZA_JWT_SECRET; else what anyone may do has to be enough.
// With HEALTH_ONLY it can't publish, as tokens are made elsewhere. A sidecar of Istio's would keep the pod from ending: it
// is asked to go (SIDECAR_QUIT_URL).
import { execFileSync } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'

const DEADLINE_MS = 30_000
const RETRY_MS = 500
const { PUBLIC_URL, INTERNAL_URL, PUBLISH_KEYS, PIAZZA_JWT_SECRET, HEALTH_ONLY, SIDECAR_QUIT_URL } = process.env
const channel = `helm-test.${Date.now()}`
const signal = AbortSignal.timeout(DEADLINE_MS)

/** A line of the file that the hub reads, too. */
const isKey = (line) => line !== '' && !line.startsWith('#')

function tokenOf() {
  if (PUBLISH_KEYS !== undefined) return PUBLISH_KEYS.split('\n').map((line) => line.trim()).find(isKey)
  if (PIAZZA_JWT_SECRET === undefined) return undefined
  const rights = ['--publish', channel, '--subscribe', channel]
  return execFileSync('node', ['dist/main.js', 'token', ...rights], { encoding: 'utf8' }).trim()
}

async function ask(url, options = {}) {
  const response = await fetch(url, { ...options, headers, signal })
  if (!response.ok) throw new Error(`${options.method ?? 'GET'} ${url}: ${response.status} ${await response.text()}`)
  return response
}

/** Just after an installation there may be no pod behind the Services yet. */
async function waitUntilReady() {
  for (let attempts = 1; ; attempts++) {
    try {
      await ask(`${INTERNAL_URL}/readyz`)
      await ask(`${PUBLIC_URL}/livez`)
      return
    } catch (error) {
      if (signal.aborted) throw error
      if (attempts === 1) console.log(`not ready yet: ${error.message}`)
      await setTimeout(RETRY_MS)
    }
  }
}

async function readUntil(stream, text) {
  let read = ''
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    read += part
    if (read.includes(text)) return
  }
  throw new Error(`the stream ended without the message:\n${read}`)
}

const token = tokenOf()
const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }

async function publishAndRead() {
  await waitUntilReady()
  console.log('ready')
  if (HEALTH_ONLY !== undefined) {
    console.log('nothing was published: the keys of tokens are not here')
    return
  }
  const body = `published by helm test at ${new Date().toISOString()}`
  await ask(`${INTERNAL_URL}/channels/${channel}`, { method: 'POST', body })
  console.log(`published to ${channel}`)
  const stream = await ask(`${PUBLIC_URL}/channels/${channel}?since=all`)
  await readUntil(stream.body, `data: ${body}\n`)
  console.log('read back')
  await ask(`${INTERNAL_URL}/channels/${channel}`, { method: 'DELETE' })
  console.log('deleted')
}

try {
  await publishAndRead()
} finally {
  if (SIDECAR_QUIT_URL !== undefined) await fetch(SIDECAR_QUIT_URL, { method: 'POST' }).catch(() => undefined)
}
process.exit(0)
